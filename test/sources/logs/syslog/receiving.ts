import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SourceOptions } from 'headwater';
import {
  type SyslogAddress,
  type SyslogConfigInput,
  type SyslogEvent,
  type SyslogMessage,
  SyslogSource,
} from 'headwater/sources/logs/syslog';
import { onTestFinished } from 'vitest';

type Changes = Partial<Omit<SourceOptions<SyslogConfigInput, undefined, undefined>, 'config'>>;

/** A source that is closed when the test is over. */
export async function createSource(config: SyslogConfigInput, changes: Changes = {}): Promise<SyslogSource> {
  const source = await SyslogSource.create({ id: 'test', config, ...changes });
  onTestFinished(() => source.close());
  return source;
}

/** The same, listening on one transport of 127.0.0.1. */
export async function listenTo(
  transport: 'udp' | 'tcp',
  config: Partial<SyslogConfigInput> = {},
  changes: Changes = {},
): Promise<{ source: SyslogSource; port: number }> {
  const source = await createSource({ listen: [{ transport, port: 0 }], ...config }, changes);
  return { source, port: portOf((await source.listen())[0]) };
}

export function portOf(address: SyslogAddress | undefined): number {
  if (address === undefined || address.transport === 'unix') throw new Error('there is no port');
  return address.port;
}

/** The next so many events, all of them acknowledged. */
export async function takeEvents(source: SyslogSource, count: number): Promise<SyslogEvent[]> {
  const events: SyslogEvent[] = [];
  for await (const event of source.generateEvents({ limit: count })) events.push(event);
  return events;
}

export async function takeMessages(source: SyslogSource, count: number): Promise<SyslogMessage[]> {
  return (await takeEvents(source, count)).map((event) => {
    if (event.type !== 'syslog.message') throw new Error(`not a message: ${JSON.stringify(event)}`);
    return event.data;
  });
}

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'headwater-syslog-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
