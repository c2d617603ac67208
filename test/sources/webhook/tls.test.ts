import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectInTheClear } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import { expect, it } from 'vitest';
import { describeWith, hasProgram } from '../../services/needs.js';
import { type Certificate, makeCertificate } from '../../support/certificate.js';
import { consume, delivery, startSource, temporaryDirectory } from './receiving.js';

/** The status of the answer; undefined where the connection was refused. */
async function deliverOverTls(port: number, id: string, options: ConnectionOptions = {}): Promise<number | undefined> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  let answer = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    answer += text;
    if (answer.includes('\r\n\r\n')) socket.end();
  });
  socket.on('error', () => {});
  socket.write(delivery(id));
  // `once` would reject with the error of a connection that is refused.
  await new Promise((resolve) => socket.on('close', resolve));
  const status = /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1];
  return status === undefined ? undefined : Number(status);
}

describeWith('openssl', hasProgram('openssl', 'version'), 'the own server over TLS', () => {
  it('takes deliveries over TLS alone', async () => {
    const tls = makeCertificate(temporaryDirectory(), 'localhost');
    const { source, port } = await startSource({ server: { port: 0, tls } });
    const { ids } = consume(source);
    expect(await deliverOverTls(port, 'one')).toBe(202);
    const socket = connectInTheClear(port, '127.0.0.1');
    socket.on('error', () => {});
    let answer = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      answer += text;
    });
    socket.write(delivery('in the clear'));
    await once(socket, 'close');
    expect(answer).not.toContain('HTTP/1.1 2');
    expect(ids).toEqual(['one']);
  });

  it('asks for a certificate where it is told to, and refuses who shows none, or one of somebody else', async () => {
    const directory = temporaryDirectory();
    const [server, sender, stranger] = ['localhost', 'sender', 'stranger'].map((name) =>
      makeCertificate(directory, name),
    ) as [Certificate, Certificate, Certificate];
    const tls = { ...server, clientCaFile: sender.certFile };
    const { source, port } = await startSource({ server: { port: 0, tls } });
    const { ids } = consume(source);
    const shows = ({ keyFile, certFile }: Certificate): ConnectionOptions => ({
      key: readFileSync(keyFile),
      cert: readFileSync(certFile),
    });
    expect(await deliverOverTls(port, 'none')).toBeUndefined();
    expect(await deliverOverTls(port, 'stranger', shows(stranger))).toBeUndefined();
    expect(await deliverOverTls(port, 'sender', shows(sender))).toBe(202);
    expect(ids).toEqual(['sender']);
  });

  it('without its files is an error that names where it was to listen', async () => {
    const tls = { keyFile: '/nowhere/key.pem', certFile: '/nowhere/cert.pem' };
    await expect(startSource({ server: { port: 0, tls } })).rejects.toMatchObject({ code: 'WEBHOOK_LISTEN' });
  });
});
