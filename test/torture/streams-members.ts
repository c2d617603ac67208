import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ingest } from '../../src/index.js';
import { JsonlSink } from '../../src/sinks/jsonl/index.js';
import { readLines } from './judge.js';
import type { Stored } from './log-judge.js';
import { BATCH, type Scenario } from './scenario.js';
import { closeWhenAllIsStored, isResting, untilItLeaves } from './sent-while-read.js';
import { accessOf } from './services.js';
import type { AnySource } from './store-scenarios.js';

/** So many at most; there is always one, and sometimes only that. */
const MOST = 4;

export interface Membership {
  /** A consumer of its own in the group that all share. */
  open(access: never, consumer: string): Promise<AnySource>;
  /** How long a member stays, at least and at most. */
  readonly staysForMs: readonly [least: number, most: number];
  keyOf(event: { type: string; data: unknown }): string;
}

function joinsFile(directory: string): string {
  return join(directory, 'joins.txt');
}

/** How often somebody joined. */
export function joinsOf(directory: string): number {
  return readFileSync(joinsFile(directory), 'utf8').length;
}

/** What all members have stored. */
export function storedByMembers(keyOf: Membership['keyOf']): Stored {
  return async (directory) =>
    readdirSync(directory)
      .filter((name) => name.startsWith('member-'))
      .flatMap((name) => readLines(join(directory, name)))
      .map((line) => keyOf(JSON.parse(line)));
}

/** Two to four consumers of one group, which join and leave all the time, in a process that is killed now and then. */
export function membersJoinAndLeave({ open, staysForMs: [least, most], keyOf }: Membership): Scenario {
  return async (directory) => {
    const access = accessOf(directory) as never;
    const stop = new AbortController();
    const end = async (): Promise<void> => stop.abort();
    process.once('SIGTERM', () => void end());
    let isReading = false;
    const stay = async (place: number): Promise<void> => {
      const source = await open(access, `member-${place}`);
      let hasLeft = false;
      const leave = (): void => {
        hasLeft = true;
        void source.close();
      };
      stop.signal.addEventListener('abort', leave, { once: true });
      const sink = new JsonlSink(join(directory, `member-${place}.jsonl`));
      appendFileSync(joinsFile(directory), '.');
      const leaving = setTimeout(least + Math.random() * (most - least), undefined, { signal: stop.signal })
        // When nothing is sent any more, whoever is there brings it to its end.
        .then(() => (isResting(directory) ? undefined : leave()))
        .catch(() => {});
      const reading = ingest({ source, sink, batch: { maxEvents: BATCH }, follow: true, onProgress: say });
      await untilItLeaves(reading, () => hasLeft);
      await leaving;
      await sink.close();
      stop.signal.removeEventListener('abort', leave);
    };
    const say = (): void => {
      if (!isReading) process.stdout.write('reading\n');
      isReading = true;
    };
    const occupy = async (place: number): Promise<void> => {
      while (!stop.signal.aborted) {
        await stay(place);
        // The first place is never empty for long: somebody is to bring things to their end.
        if (place > 0) await setTimeout(Math.random() * most, undefined, { signal: stop.signal }).catch(() => {});
      }
    };
    const isOver = new AbortController();
    const all = { close: end, getStatus: () => ({ state: isReading ? 'reading' : 'idle' }) };
    const looking = closeWhenAllIsStored(directory, storedByMembers(keyOf), all, isOver.signal);
    const saying = setTimeout(most).then(say);
    await Promise.all(Array.from({ length: MOST }, (_, place) => occupy(place)));
    isOver.abort();
    await Promise.all([looking, saying]);
  };
}
