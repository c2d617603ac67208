import { peerFailure } from '../../toolkit/import-peer.js';
import type { OwnClient } from './redis-commands.js';

/** A client of our own: it says that Redis is gone, instead of keeping what it is asked for until it is back. */
export async function openClient(url: string, connectTimeoutMs: number): Promise<OwnClient> {
  const { createClient } = await importRedis();
  const client = createClient({ url, disableOfflineQueue: true, socket: { connectTimeout: connectTimeoutMs } });
  // Each is told by the call that it fails; without a listener it would end the process.
  client.on('error', () => {});
  let first: unknown;
  const refused = new Promise<never>((_, reject) => {
    client.once('error', (error: unknown) => {
      first = error;
      reject(error);
    });
  });
  refused.catch(() => {});
  try {
    await Promise.race([client.connect(), refused]);
  } catch (error) {
    client.destroy();
    throw first ?? error;
  }
  return client as unknown as OwnClient;
}

async function importRedis(): Promise<typeof import('redis')> {
  try {
    return await import('redis');
  } catch (error) {
    throw peerFailure('redis', error);
  }
}
