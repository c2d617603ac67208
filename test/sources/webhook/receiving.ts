import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SourceEvent, SourceOptions } from 'headwater';
import {
  type WebhookConfigInput,
  type WebhookCredentials,
  type WebhookCursor,
  type WebhookEndpointInput,
  WebhookSource,
} from 'headwater/sources/webhook';
import { onTestFinished } from 'vitest';
import { githubHeaders, type RawAnswer, RawClient, requestBytes } from './raw-client.js';

export const SECRET = 'the-secret-of-the-tests';

type Options = SourceOptions<WebhookConfigInput, WebhookCredentials, WebhookCursor>;
type Changes = Partial<Omit<Options, 'config'>>;

export const GITHUB = { hooks: { provider: 'github' } } as const satisfies Record<string, WebhookEndpointInput>;

/** A source with an endpoint `/hooks` of GitHub, closed when the test is over. */
export async function createSource(
  config: Partial<WebhookConfigInput> = {},
  changes: Changes = {},
): Promise<WebhookSource> {
  const own = { endpoints: GITHUB, server: { port: 0 }, ...config };
  const source = await WebhookSource.create({ id: 'test', credentials: { hooks: SECRET }, config: own, ...changes });
  onTestFinished(() => source.close());
  return source;
}

export async function startSource(
  config: Partial<WebhookConfigInput> = {},
  changes: Changes = {},
): Promise<{ source: WebhookSource; port: number }> {
  const source = await createSource(config, changes);
  const [address] = await source.listen();
  return { source, port: address?.port ?? 0 };
}

/** One request over a connection of its own; what is answered, or undefined where the connection was cut. */
export async function request(port: number, bytes: Buffer | string): Promise<RawAnswer | undefined> {
  const client = await RawClient.connect(port);
  try {
    client.write(bytes);
    return await client.answer(1);
  } finally {
    client.destroy();
  }
}

export interface DeliverOptions {
  readonly body?: Buffer | string;
  readonly event?: string;
  readonly path?: string;
  readonly secret?: string;
  readonly headers?: readonly (readonly [string, string])[];
}

/** A signed delivery of GitHub as bytes. */
export function delivery(id: string, options: DeliverOptions = {}): Buffer {
  const { body = JSON.stringify({ id }), event = 'push', path = '/hooks', secret = SECRET, headers = [] } = options;
  return requestBytes(path, body, [...githubHeaders(secret, body, id, event), ...headers]);
}

export async function deliver(port: number, id: string, options: DeliverOptions = {}): Promise<number | undefined> {
  return (await request(port, delivery(id, options)))?.status;
}

/** Ids of what is consumed, for as long as the source is open. */
export function consume(source: WebhookSource): { readonly ids: string[]; readonly ended: Promise<void> } {
  const ids: string[] = [];
  const run = async (): Promise<void> => {
    for await (const event of source.generateEvents()) ids.push(event.id);
  };
  return { ids, ended: run() };
}

/** The next so many events, all of them acknowledged. */
export async function takeEvents(source: WebhookSource, count: number): Promise<SourceEvent[]> {
  const events: SourceEvent[] = [];
  for await (const event of source.generateEvents({ limit: count })) events.push(event);
  return events;
}

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'headwater-webhook-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
