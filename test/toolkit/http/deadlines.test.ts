import { getEventListeners } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { ConnectionError } from 'headwater';
import { Agent, MockAgent } from 'undici';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AddressGuard } from '../../../src/toolkit/http/address-guard.js';
import { clientOf, failureOf, serve, until } from './test-server.js';

const hanging: Readonly<Record<string, (response: ServerResponse) => void>> = {
  'before the headers': () => {},
  'after the headers': (response) => {
    response.writeHead(200);
    response.flushHeaders();
  },
  'within the body': (response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' });
    response.write(Buffer.from([0x1f, 0x8b]));
  },
};

describe('AG1: an abort', () => {
  it.each(Object.entries(hanging))(
    'while upstream hangs %s settles at once, and lets go of the socket',
    async (_, hang) => {
      const server = await serve((_, response) => hang(response));
      const controller = new AbortController();
      const pending = failureOf(clientOf(server).request({ url: 'x', signal: controller.signal }));
      await until(() => server.asked.length === 1);
      // What was sent so far is there.
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      const reason = new Error('enough');
      controller.abort(reason);
      expect(await withinTurns(pending)).toBe(reason);
      await until(() => server.sockets.size === 0);
      expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    },
  );

  it('while the connection is being made settles at once, and close ends the attempt', async () => {
    const accepted: unknown[] = [];
    const server = createServer((socket) => {
      accepted.push(socket.remotePort);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    let resolved: (() => void) | undefined;
    const guard: AddressGuard = {
      checkHost: () => {},
      checkAddress: () => {},
      // The name is not resolved before the test says so.
      lookup: (_host, _options, callback) => {
        resolved = () => callback(null, [{ address: '127.0.0.1', family: 4 }]);
      },
    };
    const client = clientOf({ origin: `http://slow.example:${port}` }, { guard });
    const controller = new AbortController();
    const pending = failureOf(client.request({ url: 'x', signal: controller.signal }));
    await until(() => resolved !== undefined);
    controller.abort('stopped');
    expect(await withinTurns(pending)).toBe('stopped');
    await client.close();
    resolved?.();
    // Connections are accepted in order: had the attempt gone on, it would come before this one.
    const own = connect(port, '127.0.0.1');
    await until(() => own.localPort !== undefined && accepted.includes(own.localPort));
    expect(accepted).toEqual([own.localPort]);
    own.destroy();
  });

  it('before anything was sent sends nothing', async () => {
    const server = await serve((_, response) => response.end());
    const signal = AbortSignal.abort('before');
    expect(await failureOf(clientOf(server).request({ url: 'x', signal }))).toBe('before');
    expect(server.asked).toEqual([]);
  });

  it('is heard through a dispatcher of the host that never answers', async () => {
    const never = new MockAgent();
    never.get('http://example.com').intercept({ path: '/x' }).reply(200, 'late').delay(2_000_000);
    const controller = new AbortController();
    const client = clientOf({ origin: 'http://example.com' }, { dispatcher: never });
    const pending = failureOf(client.request({ url: 'x', signal: controller.signal }));
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort('stopped');
    expect(await withinTurns(pending)).toBe('stopped');
  });

  it('two hundred requests leave no listener on the signal', async () => {
    const server = await serve((_, response) => response.end());
    const { signal } = new AbortController();
    const client = clientOf(server);
    for (let number = 0; number < 200; number += 1) await client.request({ url: 'x', signal });
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});

describe('a deadline', () => {
  it.each([
    ['before the headers', { headersMs: 30 }, 'had no answer within 30 ms'],
    ['after the headers', { idleMs: 30 }, 'had no more of the answer within 30 ms'],
    ['within the body', { idleMs: 30 }, 'had no more of the answer within 30 ms'],
    ['after the headers', { totalMs: 30 }, 'was not answered to the end within 30 ms'],
  ])('ends what hangs %s: %o', async (where, deadlines, message) => {
    const server = await serve((_, response) => hanging[where]?.(response));
    const error = await failureOf(clientOf(server, { deadlines }).request({ url: 'x' }));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ code: 'HTTP_TIMEOUT' });
    expect(error.message).toContain(`GET ${server.origin}/x ${message}`);
    await until(() => server.sockets.size === 0);
  });

  it('for all together ends a body that dribbles', async () => {
    const server = await serve((_, response) => {
      const dribble = setInterval(() => response.write('.'), 2);
      response.once('close', () => clearInterval(dribble));
    });
    const client = clientOf(server, { deadlines: { idleMs: 10_000, totalMs: 100 } });
    expect(await failureOf(client.request({ url: 'x' }))).toMatchObject({ code: 'HTTP_TIMEOUT' });
    await until(() => server.sockets.size === 0);
  });

  it('for a pause is not one for a slow body', async () => {
    const server = await serve((_, response) => {
      let left = 20;
      const dribble = setInterval(() => {
        response.write('.');
        left -= 1;
        if (left > 0) return;
        clearInterval(dribble);
        response.end();
      }, 100);
    });
    const client = clientOf(server, { deadlines: { idleMs: 1_500 } });
    expect((await client.request({ url: 'x' })).text()).toHaveLength(20);
  });
});

describe('a connection', () => {
  it.each([
    ['refused', 'ECONNREFUSED', async () => 'http://127.0.0.1:1'],
    ['reset', 'UND_ERR_SOCKET', () => rawServer((socket) => socket.destroy())],
    ['to what speaks another protocol', 'HTTPParserError', () => rawServer((socket) => socket.end('SSH-2.0-x\r\n'))],
    ['to no such host', 'ENOTFOUND', async () => 'http://no-such-host.invalid'],
  ])('%s is a ConnectionError that names the cause', async (_, code, origin) => {
    const error = await failureOf(clientOf({ origin: await origin() }).request({ url: 'x' }));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).toMatch(new RegExp(`x: the connection failed \\((${code}|EAI_AGAIN|ECONNRESET)\\)\\.`));
    expect(error.cause).toBeInstanceOf(Error);
  });

  it('that is not made in time is a ConnectionError', async () => {
    const never = { checkHost: () => {}, checkAddress: () => {}, lookup: () => {} };
    const client = clientOf({ origin: 'http://slow.example' }, { guard: never, deadlines: { connectMs: 10 } });
    const error = await failureOf(client.request({ url: 'x' }));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).toContain('UND_ERR_CONNECT_TIMEOUT');
  });

  it('whose certificate is refused is not tried again, and says what to do', async () => {
    const agent = new MockAgent();
    const refusal = Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    agent.get('https://example.com').intercept({ path: '/x' }).replyWithError(refusal);
    const options = { dispatcher: agent, retry: { retries: 3 } };
    const error = await failureOf(clientOf({ origin: 'https://example.com' }, options).request({ url: 'x' }));
    expect(error).toMatchObject({ name: 'FatalError', code: 'HTTP_TLS' });
    expect(error.message).toContain('dispatcher');
  });

  it('of the host is not closed by us', async () => {
    const server = await serve((_, response) => response.end('ok'));
    const agent = new Agent();
    onTestFinished(() => agent.destroy());
    const client = clientOf(server, { dispatcher: agent });
    await client.request({ url: 'x' });
    await client.close();
    expect(agent.closed).toBe(false);
    expect((await clientOf(server, { dispatcher: agent }).request({ url: 'x' })).text()).toBe('ok');
  });

  it('that cannot be made for a mistake in the request is not tried again', async () => {
    const server = await serve((_, response) => response.end());
    const error = await failureOf(clientOf(server).request({ url: 'x', headers: { 'x-a': 'a\r\nb: planted' } }));
    expect(error).toMatchObject({ name: 'FatalError', code: 'HTTP_INVALID_REQUEST' });
    expect(error.message).not.toContain('planted');
    expect(server.asked).toEqual([]);
  });
});

async function rawServer(onConnection: (socket: import('node:net').Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => onConnection(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

/** What a promise resolves with, within a few turns of the event loop. */
async function withinTurns<Value>(promise: Promise<Value>): Promise<Value | 'still pending'> {
  let turns: Promise<void> = Promise.resolve();
  for (let turn = 0; turn < 10; turn += 1) turns = turns.then(() => new Promise((resolve) => setImmediate(resolve)));
  return Promise.race([promise, turns.then(() => 'still pending' as const)]);
}
