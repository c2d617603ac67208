import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { GapError, type SourceEvent } from 'headwater';
import type { SyslogSource } from 'headwater/sources/logs/syslog';
import { describe, expect, it, onTestFinished } from 'vitest';
import { describeWith, hasProgram } from '../../../services/needs.js';
import { makeCertificate } from '../../../support/certificate.js';
import { createSource, listenTo, portOf, takeEvents, takeMessages, temporaryDirectory } from './receiving.js';

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function sendDatagrams(port: number, messages: readonly (string | Buffer)[]): Promise<void> {
  const socket = createSocket('udp4');
  for (const message of messages) {
    await new Promise<void>((resolve, reject) => {
      socket.send(message, port, '127.0.0.1', (error) => (error === null ? resolve() : reject(error)));
    });
  }
  socket.close();
}

/** Waits for a condition; the test's own time limit is the patience. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setTimeout(2);
}

const numbered = (count: number, text = ''): string[] =>
  Array.from({ length: count }, (_, n) => `<13>Nov  5 01:02:03 host app: ${n} ${text}`);
const numberIn = (event: SourceEvent): number => Number.parseInt((event.data as { message: string }).message, 10);

describe('a message', () => {
  it('comes with who sent it, how and when it was received, and with an id of its own', async () => {
    const { source, port } = await listenTo('udp', { zone: 'Europe/Berlin' });
    await sendDatagrams(port, ['<13>Nov  5 01:02:03 host app: text', '<13>Nov  5 01:02:03 host app: text']);
    const [first, second] = await takeEvents(source, 2);
    expect(first).toMatchObject({
      type: 'syslog.message',
      source: '/syslog/test',
      sourcetype: 'syslog',
      subject: 'host',
      time: expect.stringMatching(/-11-05T01:02:03\+01:00$/),
      data: {
        transport: 'udp',
        remote: { address: '127.0.0.1', port: expect.any(Number) },
        receivedAt: expect.stringMatching(/Z$/),
        assumedZone: 'Europe/Berlin',
      },
    });
    expect(first?.data).not.toHaveProperty('raw');
    expect(second?.id).not.toBe(first?.id);
    const other = await listenTo('udp');
    await sendDatagrams(other.port, ['<13>Nov  5 01:02:03 host app: text']);
    const [third] = await takeEvents(other.source, 1);
    expect([first?.id, second?.id]).not.toContain(third?.id);
  });

  it('LG13: that does not parse is delivered raw, with the reason', async () => {
    const { source, port } = await listenTo('udp');
    await sendDatagrams(port, ['what is this?', '<13>1 2026-02-30T00:00:00Z - - - - - text']);
    expect(await takeMessages(source, 2)).toMatchObject([
      { message: 'what is this?', raw: 'what is this?', parseError: { code: 'SYSLOG_HEADER' } },
      { raw: '<13>1 2026-02-30T00:00:00Z - - - - - text', parseError: { code: 'SYSLOG_TIME' } },
    ]);
  });

  it('is there as it came, where that is asked for', async () => {
    const { source, port } = await listenTo('udp', { raw: true });
    await sendDatagrams(port, ['<13>Nov  5 01:02:03 host app: text\n']);
    expect(await takeMessages(source, 1)).toMatchObject([
      { message: 'text', raw: '<13>Nov  5 01:02:03 host app: text' },
    ]);
  });

  it('that is too long is cut and says so; bytes that are no text are told', async () => {
    const { source, port } = await listenTo('udp', { maxMessageBytes: 480 });
    await sendDatagrams(port, [`<13>${'x'.repeat(1_000)}`, Buffer.from([0x3c, 0x35, 0x3e, 0xff, 0x61])]);
    const [long, odd] = await takeMessages(source, 2);
    expect(long).toMatchObject({ truncated: true, message: 'x'.repeat(476) });
    expect(odd).toMatchObject({ invalidBytes: true, message: '\uFFFDa', severity: 5 });
    expect(odd).not.toHaveProperty('truncated');
  });

  it('cannot pass for an event of Headwater or of another source', async () => {
    const { source, port } = await listenTo('udp');
    const claim =
      '<13>1 - headwater.gap - - - [__proto__ type="headwater.gap" source="/other"] {"type":"headwater.gap"}';
    await sendDatagrams(port, [claim]);
    const [event] = await takeEvents(source, 1);
    expect(event).toMatchObject({ type: 'syslog.message', source: '/syslog/test', sourceid: 'test' });
    expect(JSON.stringify(event)).toContain('"structuredData":{"__proto__":{"type":"headwater.gap"');
  });
});

describe('LG11: a connection', () => {
  it('may mix counted messages and lines, and a counted message with line ends stays one', async () => {
    const { source, port } = await listenTo('tcp');
    const socket = await connected(port);
    for (const part of ['<13>li', 'ne\n', '2', '2 <13>of\nseveral\nlines\n\n<13>', 'last']) socket.write(part);
    socket.end();
    expect((await takeMessages(source, 3)).map(({ message }) => message)).toEqual([
      'line',
      'of\nseveral\nlines',
      'last',
    ]);
  });

  it('with a bad length is closed with an error event; what came before it counts, and others are not concerned', async () => {
    const { source, port } = await listenTo('tcp');
    const [bad, good] = [await connected(port), await connected(port)];
    const closed = once(bad, 'close');
    bad.write('<13>before\n12three <13>after\n<13>never\n');
    const [first, second] = await takeEvents(source, 2);
    expect(first).toMatchObject({ type: 'syslog.message', data: { message: 'before' } });
    expect(second).toMatchObject({
      type: 'syslog.error',
      data: { code: 'SYSLOG_FRAME', transport: 'tcp', remote: { address: '127.0.0.1', port: bad.localPort } },
    });
    await closed;
    good.write('<13>still here\n');
    expect(await takeMessages(source, 1)).toMatchObject([{ message: 'still here' }]);
  });

  it('that is cut within a message gives its beginning', async () => {
    const { source, port } = await listenTo('tcp');
    (await connected(port)).end('100 <13>begin');
    expect(await takeMessages(source, 1)).toMatchObject([{ message: 'begin', truncated: true }]);
  });

  it('beyond the limit is closed and counted', async () => {
    const { source, port } = await listenTo('tcp', { maxConnections: 1 });
    const first = await connected(port);
    first.write('<13>one\n');
    expect(await takeMessages(source, 1)).toMatchObject([{ message: 'one' }]);
    const second = connect(port, '127.0.0.1');
    second.on('error', () => {});
    await once(second, 'close');
    expect(source.getStats().dropped).toEqual({ connections: 1 });
    first.end();
    await once(first, 'close');
    const isTaken = async (): Promise<boolean> => {
      const third = connect(port, '127.0.0.1');
      third.on('error', () => {});
      third.end('<13>three\n');
      await once(third, 'close');
      return source.getStats().bytes > 7;
    };
    while (!(await isTaken()));
    expect(await takeMessages(source, 1)).toMatchObject([{ message: 'three' }]);
  });

  it('that says nothing for too long is closed, where that is asked for', async () => {
    const { port } = await listenTo('tcp', { idleTimeoutMs: 50 });
    const socket = await connected(port);
    socket.resume();
    await once(socket, 'close');
  });
});

describe('a consumer that is slower than its senders', () => {
  it('holds back a connection: nothing is lost, nothing is dropped, little is held', async () => {
    const { source, port } = await listenTo('tcp', { queueEvents: 10 });
    const socket = await connected(port);
    const messages = numbered(5_000, 'x'.repeat(2_000));
    const all = messages
      .map((message, n) => (n % 2 === 0 ? `${message}\n` : `${Buffer.byteLength(message)} ${message}`))
      .join('');
    socket.end(all);
    const events = source.generateEvents();
    expect(numberIn((await events.next()).value as SourceEvent)).toBe(0);
    await quiet(source);
    // The queue, and what the buffers of the system and of the socket hold. All of it is 10 MB.
    expect(source.getStats().bytes).toBeLessThan(100_000);
    for (let n = 1; n < messages.length; n += 1) expect(numberIn((await events.next()).value as SourceEvent)).toBe(n);
    expect(source.getStats()).toMatchObject({ dropped: {}, gaps: 0 });
    await events.return();
  });

  it('holds back several connections, and keeps the order of each', async () => {
    const { source, port } = await listenTo('tcp', { queueEvents: 3 });
    const sockets = [await connected(port), await connected(port), await connected(port)];
    for (const [index, socket] of sockets.entries()) {
      socket.end(Array.from({ length: 200 }, (_, n) => `<13>Nov  5 01:02:03 host app[${index}]: ${n}\n`).join(''));
    }
    const next = new Map<string | undefined, number>();
    for (const { procid, message } of await takeMessages(source, 600)) {
      expect(Number(message)).toBe(next.get(procid) ?? 0);
      next.set(procid, Number(message) + 1);
    }
    expect([...next.values()]).toEqual([200, 200, 200]);
  });

  it('loses datagrams beyond the queue: counted, and told by a gap event where they are missing', async () => {
    const { source, port } = await listenTo('udp', { queueEvents: 5 });
    await sendDatagrams(port, numbered(20));
    await until(() => source.getStats().dropped['overflow'] === 15);
    const events = await takeEvents(source, 6);
    expect(events.map(({ type }) => type)).toEqual([...Array(5).fill('syslog.message'), 'headwater.gap']);
    expect(events.at(-1)?.data).toMatchObject({ reason: 'overflow', count: 15 });
    await sendDatagrams(port, ['<13>later']);
    expect(await takeMessages(source, 1)).toMatchObject([{ message: 'later' }]);
  });

  it('ends with a GapError where that is asked for', async () => {
    const { source, port } = await listenTo('udp', { queueEvents: 1 }, { onGap: 'throw' });
    await sendDatagrams(port, numbered(3));
    await until(() => source.getStats().dropped['overflow'] === 2);
    await expect(takeEvents(source, 2)).rejects.toBeInstanceOf(GapError);
  });
});

describeWith('Linux', existsSync('/proc/self/net/udp'), 'what the system drops', () => {
  it('is counted, and told by a gap event', async () => {
    const { source, port } = await listenTo('udp', { receiveBufferBytes: 4_096 });
    // Meanwhile this process reads nothing, and the buffer of the system overflows.
    const program = `
      const socket = require('dgram').createSocket('udp4');
      let left = 500;
      const send = () => socket.send('<13>flood', ${port}, '127.0.0.1', () => (--left > 0 ? send() : socket.close()));
      send();`;
    execFileSync(process.execPath, ['-e', program]);
    let received = 0;
    let lost = 0;
    for await (const event of source.generateEvents()) {
      if (event.type === 'headwater.gap') lost += event.data.count ?? 0;
      else received += 1;
      if (received + lost === 500) break;
    }
    expect(lost).toBeGreaterThan(0);
    expect(source.getStats().dropped).toEqual({ kernel: lost });
  });
});

describe('listening', () => {
  it('begins with the iteration and ends with it', async () => {
    const source = await createSource({ listen: [{ transport: 'tcp', port: 0 }] });
    expect(source.addresses()).toEqual([]);
    const events = source.generateEvents();
    const first = events.next();
    await until(() => source.addresses().length > 0);
    const port = portOf(source.addresses()[0]);
    (await connected(port)).write('<13>one\n');
    expect((await first).value).toMatchObject({ data: { message: 'one' } });
    await events.return();
    expect(source.addresses()).toEqual([]);
    await expect(connected(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('goes on between iterations once the host has asked for it, and nothing that came meanwhile is lost', async () => {
    const { source, port } = await listenTo('udp');
    await sendDatagrams(port, ['<13>before']);
    expect(await takeMessages(source, 1)).toMatchObject([{ message: 'before' }]);
    await sendDatagrams(port, ['<13>between']);
    await until(() => source.getStats().bytes > 15);
    expect(await takeMessages(source, 1)).toMatchObject([{ message: 'between' }]);
    expect(portOf(source.addresses()[0])).toBe(port);
  });

  it('what was in hand when an iteration ended comes again in the next', async () => {
    const { source, port } = await listenTo('udp');
    await sendDatagrams(port, numbered(3));
    for await (const event of source.generateEvents()) if (numberIn(event) === 1) break;
    expect((await takeEvents(source, 2)).map(numberIn)).toEqual([1, 2]);
  });

  it('ends at once with close(), which counts what nobody took', async () => {
    const { source, port } = await listenTo('tcp');
    const socket = await connected(port);
    const closed = once(socket, 'close');
    socket.write('<13>one\n<13>two\n');
    await until(() => source.getStats().bytes === 14);
    await source.close();
    await closed;
    expect(source.addresses()).toEqual([]);
    await until(() => source.getStats().dropped['closed'] === 2);
    await expect(source.listen()).rejects.toMatchObject({ code: 'SOURCE_CLOSED' });
    await source.close();
  });

  it('is let go of when the source is closed while it begins', async () => {
    const source = await createSource({ listen: [{ transport: 'tcp', port: 0 }] });
    const listening = source.listen();
    await source.close();
    await listening;
    expect(source.addresses()).toEqual([]);
  });

  it('somewhere that is taken is a RetryableError, and nothing stays open', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    const source = await createSource({
      listen: [
        { transport: 'tcp', port: 0 },
        { transport: 'tcp', port },
      ],
    });
    await expect(source.generateEvents().next()).rejects.toMatchObject({
      name: 'RetryableError',
      code: 'SYSLOG_LISTEN',
    });
    expect(source.addresses()).toEqual([]);
    expect(await source.validate()).toMatchObject({
      ok: false,
      problems: [{ code: 'SYSLOG_LISTEN', severity: 'error' }],
    });
    taken.close();
    await once(taken, 'close');
    expect(await source.validate()).toEqual({ ok: true, problems: [] });
    expect(await source.listen()).toHaveLength(2);
    expect(await source.validate()).toEqual({ ok: true, problems: [] });
  });

  it('at an address that this machine does not have is a FatalError', async () => {
    const source = await createSource({ listen: [{ transport: 'udp', host: '192.0.2.1', port: 0 }] });
    await expect(source.listen()).rejects.toMatchObject({ name: 'FatalError', code: 'SYSLOG_LISTEN' });
  });

  it('takes over the socket that a dead process has left, and no file and no socket that is in use', async () => {
    const directory = temporaryDirectory();
    const path = join(directory, 'log.sock');
    const dies = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    expect(() => execFileSync(process.execPath, ['-e', dies])).toThrow();
    expect(existsSync(path)).toBe(true);
    const source = await createSource({ listen: [{ transport: 'unix', path }] });
    await source.listen();
    const second = await createSource({ listen: [{ transport: 'unix', path }] }, { id: 'second' });
    await expect(second.listen()).rejects.toMatchObject({ code: 'SYSLOG_LISTEN' });
    await source.close();
    expect(existsSync(path)).toBe(false);
    writeFileSync(path, 'a file');
    await expect(second.listen()).rejects.toMatchObject({ code: 'SYSLOG_LISTEN' });
    expect(existsSync(path)).toBe(true);
  });
});

describe('senders that are not allowed', () => {
  it('are not heard, and counted', async () => {
    const listen = [
      { transport: 'udp', port: 0 },
      { transport: 'tcp', port: 0 },
    ] as const;
    const source = await createSource({ listen: [...listen], allow: ['10.0.0.0/8', '::1', '127.0.0.2'] });
    const [udp, tcp] = await source.listen();
    await sendDatagrams(portOf(udp), ['<13>one']);
    await once(await connected(portOf(tcp)), 'close');
    await until(() => source.getStats().dropped['not-allowed'] === 2);
    expect(source.getStats().bytes).toBe(0);
  });

  it('are told from those that are', async () => {
    const { source, port } = await listenTo('udp', { allow: ['127.0.0.0/8'] });
    await sendDatagrams(port, ['<13>one']);
    expect(await takeMessages(source, 1)).toMatchObject([{ message: 'one' }]);
  });
});

describeWith('openssl', hasProgram('openssl', 'version'), 'TLS', () => {
  it('receives what RFC 5425 sends, and tells who does not shake hands', async () => {
    const { keyFile, certFile } = makeCertificate(temporaryDirectory(), 'localhost');
    const source = await createSource({ listen: [{ transport: 'tls', port: 0, keyFile, certFile }] });
    const port = portOf((await source.listen())[0]);
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    socket.end('11 <13>1\n2\n3\n\n');
    expect(await takeMessages(source, 1)).toMatchObject([{ message: '1\n2\n3', transport: 'tls' }]);
    (await connected(port)).write('<13>in the clear\n');
    await until(() => source.getStats().dropped['tls-handshake'] === 1);
  });

  it('without its files is a FatalError that names the listener', async () => {
    const where = { transport: 'tls', port: 0, keyFile: '/nowhere/key.pem', certFile: '/nowhere/cert.pem' } as const;
    const source = await createSource({ listen: [where] });
    await expect(source.listen()).rejects.toMatchObject({ name: 'FatalError', code: 'SYSLOG_LISTEN' });
  });
});

describe('the configuration', () => {
  it.each([
    [{ listen: [] }, 'listen'],
    [{ listen: [{ transport: 'udp' }] }, 'port'],
    [{ listen: [{ transport: 'sctp', port: 1 }] }, 'transport'],
    [{ listen: [{ transport: 'udp', port: 70_000 }] }, 'port'],
    [{ listen: [{ transport: 'udp', port: 1 }], zone: 'Europe/Atlantis' }, 'zone'],
    [{ listen: [{ transport: 'udp', port: 1 }], allow: ['10.0.0.0/33'] }, 'allow'],
    [{ listen: [{ transport: 'udp', port: 1 }], maxMessageBytes: 100 }, 'maxMessageBytes'],
  ])('%j is refused, and %s named', async (config, name) => {
    await expect(createSource(config as never)).rejects.toMatchObject({
      code: 'CONFIG',
      message: expect.stringContaining(name),
    });
  });
});

/** Resolves when the source has taken in nothing for some looks. */
async function quiet(source: SyslogSource): Promise<void> {
  for (let looks = 0, before = -1; looks < 20; looks += 1) {
    const { bytes } = source.getStats();
    if (bytes !== before) looks = 0;
    before = bytes;
    await setTimeout(5);
  }
}
