import type { LookupAddress, lookup as systemLookup } from 'node:dns';
import { FatalError } from 'headwater';
import { Agent } from 'undici';
import { describe, expect, it, onTestFinished } from 'vitest';
import { publicAddresses } from '../../../src/toolkit/http/address-guard.js';
import { answer, clientOf, failureOf, serve } from './test-server.js';

const refused = { name: 'FatalError', code: 'HTTP_ADDRESS_REFUSED' };

describe('RP2: public addresses only', () => {
  it.each([
    'http://127.0.0.1',
    'http://127.1',
    'http://2130706433',
    'http://0x7f000001',
    'http://0177.0.0.1',
    'http://0x7f.1',
    'http://0',
    'http://0.0.0.0',
    'http://10.1.2.3',
    'http://100.64.0.1',
    'http://100.100.100.200',
    'http://169.254.169.254',
    'http://172.16.0.1',
    'http://172.31.255.255',
    'http://192.168.0.1',
    'http://198.18.0.1',
    'http://224.0.0.1',
    'http://255.255.255.255',
    'http://[::]',
    'http://[::1]',
    'http://[::127.0.0.1]',
    'http://[::ffff:127.0.0.1]',
    'http://[::ffff:7f00:1]',
    'http://[0:0:0:0:0:ffff:a9fe:a9fe]',
    'http://[64:ff9b::127.0.0.1]',
    'http://[64:ff9b::a00:1]',
    'http://[64:ff9b:1::1]',
    'http://[2002:7f00:1::]',
    'http://[2001:0:1::1]',
    'http://[fc00::1]',
    'http://[fd00:ec2::254]',
    'http://[fe80::1]',
    'http://[fec0::1]',
    'http://[ff02::1]',
    'http://localhost',
    'http://LOCALHOST.',
    'http://a.localhost',
    'http://metadata.google.internal',
  ])('%s is refused before anything is sent', async (origin) => {
    const error = await failureOf(clientOf({ origin }, { guard: publicAddresses() }).request({ url: 'x' }));
    expect(error).toBeInstanceOf(FatalError);
    expect(error).toMatchObject(refused);
  });

  it.each(['8.8.8.8', '1.1.1.1', '100.128.0.1', '172.32.0.1', '2606:4700::1111', '::ffff:8.8.8.8', '64:ff9b::808:808'])(
    '%s is public',
    (address) => {
      expect(() => publicAddresses().checkHost(address)).not.toThrow();
      expect(() => publicAddresses().checkAddress('example.com', address)).not.toThrow();
    },
  );

  it('a name is resolved once, and refused when any of its addresses is', async () => {
    const server = await serve((_, response) => answer(response, 200));
    const { port } = new URL(server.origin);
    const resolved: string[] = [];
    const guard = (...addresses: string[]) => publicAddresses({ lookup: resolver(resolved, addresses) });
    const origin = `http://rebind.example:${port}`;
    expect(await failureOf(clientOf({ origin }, { guard: guard('127.0.0.1') }).request({ url: 'x' }))).toMatchObject(
      refused,
    );
    expect(
      await failureOf(clientOf({ origin }, { guard: guard('93.184.216.34', '127.0.0.1') }).request({ url: 'x' })),
    ).toMatchObject(refused);
    expect(resolved).toEqual(['rebind.example', 'rebind.example']);
    expect(server.asked).toEqual([]);
    expect(server.sockets.size).toBe(0);
  });

  it('a resolver that changes its answer between the check and the connection gains nothing', async () => {
    const server = await serve((_, response) => answer(response, 200));
    const { port } = new URL(server.origin);
    let times = 0;
    const rebinding = ((_host: string, _options: object, callback: (error: null, found: LookupAddress[]) => void) => {
      times += 1;
      callback(null, [{ address: times === 1 ? '192.0.0.1' : '127.0.0.1', family: 4 }]);
    }) as unknown as typeof systemLookup;
    const guard = publicAddresses({ lookup: rebinding });
    const client = clientOf({ origin: `http://rebind.example:${port}` }, { guard });
    expect(await failureOf(client.request({ url: 'x' }))).toMatchObject(refused);
    expect(await failureOf(client.request({ url: 'x' }))).toMatchObject(refused);
    expect(times).toBe(2);
    expect(server.sockets.size).toBe(0);
  });

  it('the address that was connected to has the last word, whatever the resolver said', async () => {
    const server = await serve((_, response) => answer(response, 200));
    const { port } = new URL(server.origin);
    // Passes what it resolves; only the address of the socket is checked.
    const strict = publicAddresses();
    const guard = {
      checkHost: () => {},
      checkAddress: strict.checkAddress,
      lookup: publicAddresses({ allow: ['late.example'], lookup: resolver([], ['127.0.0.1']) }).lookup,
    };
    const client = clientOf({ origin: `http://late.example:${port}` }, { guard });
    expect(await failureOf(client.request({ url: 'x' }))).toMatchObject(refused);
    expect(server.asked).toEqual([]);
  });

  it('each hop of a redirect is checked', async () => {
    const inside = await serve((_, response) => answer(response, 200, {}, 'secrets of this machine'));
    const outside = await serve((_, response) =>
      answer(response, 302, { location: inside.origin.replace('127.0.0.1', '127.0.0.2') }),
    );
    const client = clientOf(outside, { guard: publicAddresses({ allow: ['127.0.0.1'] }) });
    expect(await failureOf(client.request({ url: 'x' }))).toMatchObject(refused);
    expect(outside.asked).toHaveLength(1);
    expect(inside.asked).toEqual([]);
  });

  it.each([['127.0.0.1'], ['127.0.0.0/8'], ['10.0.0.0/8', '127.0.0.1']])(
    'what is allowed is reached: %s',
    async (...allow) => {
      const server = await serve((_, response) => answer(response, 200, {}, 'ok'));
      const client = clientOf(server, { guard: publicAddresses({ allow }) });
      expect((await client.request({ url: 'x' })).text()).toBe('ok');
    },
  );

  it('a name that is allowed may have any address', async () => {
    const server = await serve((_, response) => answer(response, 200, {}, 'ok'));
    const { port } = new URL(server.origin);
    const guard = publicAddresses({ allow: ['Intranet.example'], lookup: resolver([], ['127.0.0.1']) });
    const client = clientOf({ origin: `http://intranet.example:${port}` }, { guard });
    expect((await client.request({ url: 'x' })).text()).toBe('ok');
  });

  it('with a dispatcher of the host, addresses and names are checked as they stand in the URL', async () => {
    const dispatcher = new Agent();
    onTestFinished(() => dispatcher.destroy());
    const client = clientOf({ origin: 'http://169.254.169.254' }, { guard: publicAddresses(), dispatcher });
    expect(await failureOf(client.request({ url: 'x' }))).toMatchObject(refused);
  });

  it('without a guard this machine is reached', async () => {
    const server = await serve((_, response) => answer(response, 200, {}, 'ok'));
    expect((await clientOf(server).request({ url: 'x' })).text()).toBe('ok');
  });
});

/** A resolver that gives the same addresses for all names. */
function resolver(resolved: string[], addresses: readonly string[]): typeof systemLookup {
  const found = addresses.map((address) => ({ address, family: 4 }));
  return ((host: string, _options: object, callback: (error: null, found: LookupAddress[]) => void) => {
    resolved.push(host);
    setImmediate(() => callback(null, found));
  }) as unknown as typeof systemLookup;
}
