import { join } from 'node:path';
import { FileCursorStore, ingest, type SourceEvent } from '../../src/index.js';
import { JsonlSink } from '../../src/sinks/jsonl/index.js';
import { KafkaSource } from '../../src/sources/streams/kafka/index.js';
import { RabbitmqSource } from '../../src/sources/streams/rabbitmq/index.js';
import { RedisSource } from '../../src/sources/streams/redis/index.js';
import { linesOfJsonl } from './judge.js';
import { type Stored, storedInSqlite } from './log-judge.js';
import { BATCH, type Scenario } from './scenario.js';
import { closeWhenAllIsStored, untilItLeaves } from './sent-while-read.js';
import { accessOf } from './services.js';
import { type AnySource, intoDatabase } from './store-scenarios.js';
import { type Membership, membersJoinAndLeave } from './streams-members.js';
import { readsSlowly } from './streams-slow.js';

const ID = 'torture';
const reconnect = { retries: 50, minDelayMs: 20, maxDelayMs: 500 };

/** Which message an event is, or what it tells instead. */
export function keyOfMessage({ type, data }: Pick<SourceEvent, 'type' | 'data'>): string {
  if (type === 'headwater.gap') return `gap ${(data as { reason: string }).reason}`;
  const { value, fields } = data as { value?: { key: string }; fields?: { key: string } };
  return value?.key ?? fields?.key ?? 'no message';
}

/** What the sink holds, by message. */
export const messagesInJsonl: Stored = async (directory) =>
  (await linesOfJsonl(directory)).map((line) => keyOfMessage(JSON.parse(line)));

type Open = (access: never, mode: 'upstream' | 'cursor', id?: string) => Promise<unknown>;

const openRedisSource: Open = ({ url }: { url: string }, mode, id = ID) => {
  const streams = [ID];
  return mode === 'upstream'
    ? RedisSource.create({ id, config: { mode: 'group', url, streams, group: 'g', claimIdleMs: 1_000, reconnect } })
    : RedisSource.create({ id, config: { mode: 'stream', url, streams, reconnect } });
};

const openRabbitmqSource: Open = ({ url, queue }: { url: string; queue: string }, mode, id = ID) =>
  mode === 'upstream'
    ? RabbitmqSource.create({ id, config: { mode: 'queue', url, queue, prefetch: 50, reconnect } })
    : RabbitmqSource.create({ id, config: { mode: 'stream', url, queue, prefetch: 50, reconnect } });

const openKafkaSource: Open = ({ brokers }: { brokers: string[] }, mode, id = ID) => {
  const times = { heartbeatMs: 300, sessionTimeoutMs: 4_500, rebalanceTimeoutMs: 3_000, maxWaitMs: 100 };
  const commit = mode === 'upstream' ? 'acknowledged' : 'external';
  return KafkaSource.create({ id, config: { brokers, topics: [ID], group: ID, commit, ...times, reconnect } });
};

/** Reads until all that was sent is stored, or it is asked to end. */
function reads(open: Open, mode: 'upstream' | 'cursor'): Scenario {
  return async (directory) => {
    const source = (await open(accessOf(directory) as never, mode)) as AnySource;
    let hasLeft = false;
    process.once('SIGTERM', () => {
      hasLeft = true;
      void source.close();
    });
    const done = new AbortController();
    const saying = sayWhenItReads(source, done.signal);
    const stored = mode === 'upstream' ? messagesInJsonl : storedInSqlite;
    const looking = closeWhenAllIsStored(directory, stored, source, done.signal);
    const options = { keyOf: keyOfMessage, batch: BATCH, follow: true };
    const isUpstream = mode === 'upstream';
    const reading = isUpstream ? intoJsonl(directory, source) : intoDatabase('sqlite', directory, source, options);
    await untilItLeaves(reading, () => hasLeft);
    done.abort();
    await Promise.all([looking, saying]);
  };
}

function members(open: Open, staysForMs: Membership['staysForMs']): Scenario {
  const openMember = (access: never, id: string): Promise<AnySource> =>
    open(access, 'upstream', id) as Promise<AnySource>;
  return membersJoinAndLeave({ open: openMember, staysForMs, keyOf: keyOfMessage });
}

function slowly(open: Open): Scenario {
  return readsSlowly((access) => open(access, 'upstream') as Promise<AnySource>);
}

async function intoJsonl(directory: string, source: AnySource): Promise<void> {
  const sink = new JsonlSink(join(directory, 'events.jsonl'));
  const cursorStore = new FileCursorStore(join(directory, 'cursors'));
  await ingest({ source, sink, cursorStore, batch: { maxEvents: BATCH }, follow: true });
  await sink.close();
}

/** To begin takes time: kills are to fall behind that. */
async function sayWhenItReads(source: AnySource, done: AbortSignal): Promise<void> {
  while (!done.aborted && source.getStats().events === 0 && source.getStatus().state !== 'caught-up') {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  process.stdout.write('reading\n');
}

export const streamScenarios: Readonly<Record<string, Scenario>> = {
  'redis-jsonl': reads(openRedisSource, 'upstream'),
  'redis-sqlite': reads(openRedisSource, 'cursor'),
  'rabbitmq-jsonl': reads(openRabbitmqSource, 'upstream'),
  'rabbitmq-sqlite': reads(openRabbitmqSource, 'cursor'),
  'kafka-jsonl': reads(openKafkaSource, 'upstream'),
  'kafka-sqlite': reads(openKafkaSource, 'cursor'),
  'redis-members': members(openRedisSource, [300, 1_500]),
  'rabbitmq-members': members(openRabbitmqSource, [300, 1_500]),
  'kafka-members': members(openKafkaSource, [5_000, 12_000]),
  'redis-slow': slowly(openRedisSource),
  'rabbitmq-slow': slowly(openRabbitmqSource),
  'kafka-slow': slowly(openKafkaSource),
};
