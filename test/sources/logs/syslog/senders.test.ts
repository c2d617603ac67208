import { execFile } from 'node:child_process';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { describeWith, hasProgram, hasRsyslog } from '../../../services/needs.js';
import { Rsyslog } from '../../../services/rsyslog.js';
import { createSource, listenTo, portOf, takeMessages, temporaryDirectory } from './receiving.js';

const run = promisify(execFile);
const TEXT = 'Grüße: 100 % "quoted" \\ [x] <13>';

function logger(...given: string[]): Promise<unknown> {
  return run('logger', given);
}

describeWith('logger', hasProgram('logger', '--version'), 'what logger sends', () => {
  const transports = [
    ['UDP', 'udp', ['-d']],
    ['TCP with lines', 'tcp', ['-T']],
    ['TCP with counted octets', 'tcp', ['-T', '--octet-count']],
  ] as const;

  it.each(transports)('comes out as RFC 3164 over %s', async (_, transport, how) => {
    const { source, port } = await listenTo(transport);
    await logger(
      '-n',
      '127.0.0.1',
      '-P',
      String(port),
      ...how,
      '--rfc3164',
      '-p',
      'local3.err',
      '-t',
      'my-app',
      '--id=42',
      TEXT,
    );
    const [message] = await takeMessages(source, 1);
    expect(message).toMatchObject({
      facility: 19,
      severity: 3,
      level: 'error',
      host: hostname(),
      app: 'my-app',
      procid: '42',
      message: TEXT,
    });
    expect(message).toMatchObject({ transport, remote: { address: '127.0.0.1' }, assumedZone: 'UTC' });
  });

  it.each(transports)('comes out as RFC 5424 over %s', async (_, transport, how) => {
    const { source, port } = await listenTo(transport);
    const data = ['--sd-id', 'order@32473', '--sd-param', 'number="7"', '--sd-param', 'note="a \\"b\\" \\\\ \\]"'];
    const place = ['-n', '127.0.0.1', '-P', String(port), ...how];
    await logger(
      ...place,
      '--rfc5424',
      '-p',
      'mail.info',
      '-t',
      'my-app',
      '--id=42',
      '--msgid',
      'ORDER',
      ...data,
      TEXT,
    );
    const [event] = await takeMessages(source, 1);
    expect(event).toMatchObject({
      facility: 2,
      severity: 6,
      level: 'info',
      version: 1,
      host: hostname(),
      app: 'my-app',
    });
    expect(event).toMatchObject({ procid: '42', msgid: 'ORDER', message: TEXT, transport });
    expect(event?.structuredData?.['order@32473']).toEqual({ number: '7', note: 'a "b" \\ ]' });
    expect(event?.assumedZone).toBeUndefined();
  });

  it('comes out over a stream socket of the file system', async () => {
    const path = join(temporaryDirectory(), 'log.sock');
    const source = await createSource({ listen: [{ transport: 'unix', path }] });
    expect(await source.listen()).toEqual([{ transport: 'unix', path }]);
    await logger('-u', path, '-T', '-p', 'daemon.warning', '-t', 'my-app', '--id=42', TEXT);
    const [message] = await takeMessages(source, 1);
    expect(message).toMatchObject({
      facility: 3,
      severity: 4,
      app: 'my-app',
      procid: '42',
      message: TEXT,
      transport: 'unix',
    });
    expect(message).not.toHaveProperty('host');
    expect(message).not.toHaveProperty('remote');
  });

  it('comes out over IPv6', async () => {
    const source = await createSource({ listen: [{ transport: 'udp', host: '::1', port: 0 }] });
    const [address] = await source.listen();
    await logger('-n', '::1', '-P', String(portOf(address)), '-d', '-t', 'my-app', TEXT);
    expect(await takeMessages(source, 1)).toMatchObject([{ message: TEXT, remote: { address: '::1' } }]);
  });
});

describeWith('rsyslogd', hasRsyslog() && hasProgram('logger', '--version'), 'what rsyslog forwards', () => {
  const forwards = [
    ['udp', 'RSYSLOG_SyslogProtocol23Format', ''],
    ['udp', 'RSYSLOG_TraditionalForwardFormat', ''],
    ['udp', 'RSYSLOG_ForwardFormat', ''],
    ['tcp', 'RSYSLOG_SyslogProtocol23Format', 'tcp_framing="octet-counted"'],
    ['tcp', 'RSYSLOG_SyslogProtocol23Format', 'tcp_framing="traditional"'],
    ['tcp', 'RSYSLOG_TraditionalForwardFormat', 'tcp_framing="octet-counted"'],
    ['tcp', 'RSYSLOG_ForwardFormat', 'tcp_framing="traditional"'],
  ] as const;

  it.each(forwards)('comes out over %s as %s %s', async (transport, template, framing) => {
    const { source, port } = await listenTo(transport);
    const target = `target="127.0.0.1" port="${port}" protocol="${transport}"`;
    const own = `if $programname == "my-app" then action(type="omfwd" ${target} template="${template}" ${framing})`;
    const rsyslog = await Rsyslog.start(temporaryDirectory(), own);
    onTestFinished(() => rsyslog.stop());
    const data = ['--sd-id', 'order@32473', '--sd-param', 'number="7"'];
    const place = ['-n', '127.0.0.1', '-P', String(rsyslog.port), '-T', '--octet-count'];
    await logger(
      ...place,
      '--rfc5424',
      '-p',
      'local0.crit',
      '-t',
      'my-app',
      '--id=42',
      '--msgid',
      'ORDER',
      ...data,
      TEXT,
    );
    const [message] = await takeMessages(source, 1);
    expect(message).toMatchObject({
      facility: 16,
      severity: 2,
      host: hostname(),
      app: 'my-app',
      procid: '42',
      message: TEXT,
    });
    if (!template.includes('23')) return;
    expect(message).toMatchObject({ version: 1, msgid: 'ORDER' });
    expect(message?.structuredData?.['order@32473']).toEqual({ number: '7' });
  });
});
