import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { RetryableError } from '../../src/index.js';
import type { LiveCase, LiveVerdict } from './live.js';
import type { Stored } from './log-judge.js';
import type { Service, Services } from './services.js';

const LOOK_MS = 200;
/** After so long it will not come any more: the judge says what is missing. */
const PATIENCE_MS = 60_000;

/** What is known of what was sent so far. */
export interface Sent {
  /** What somebody began to send. */
  readonly begun: ReadonlySet<string>;
  /** What the other side said that it has. */
  readonly accepted: ReadonlySet<string>;
  /** How often something was sent again, because that was not said. */
  readonly retries: number;
}

/** Sends while others read. */
export interface Sender extends Service {
  readonly sent: Sent;
  begin(): void;
  disturb(): Promise<void>;
  /** Resolves when what was begun is through. */
  settled(): Promise<void>;
}

export interface SentOptions {
  readonly stored: Stored;
  /** How many events a kill may bring again. */
  readonly atRisk: number;
  /** What is sent again may be taken twice: then it was sent twice. */
  readonly isSentTwice?: boolean;
  readonly describe?: LiveCase['describe'];
}

/** Everything that was accepted is an event; nothing was made up, and no more came twice than may. */
export function sentWhileRead(
  senders: Services<Sender>,
  { stored, atRisk, isSentTwice = false, describe }: SentOptions,
): LiveCase {
  return {
    async start(directory) {
      await senders.start(directory);
      const sender = senders.of(directory);
      writeFileSync(restFile(directory), '[]');
      return {
        // Nothing is sent before the first child has looked at nothing.
        begin() {
          rmSync(restFile(directory));
          sender.begin();
        },
        disturb: () => sender.disturb(),
        finish: async () => sender.rest(),
        async settled() {
          await sender.settled();
          // Renamed into place: who looks finds all of it.
          writeFileSync(`${restFile(directory)}.new`, JSON.stringify([...sender.sent.accepted]));
          renameSync(`${restFile(directory)}.new`, restFile(directory));
        },
      };
    },
    atRisk,
    judge: judge(senders, stored, isSentTwice),
    ...(describe && { describe }),
  };
}

function judge(senders: Services<Sender>, stored: Stored, isSentTwice: boolean): LiveCase['judge'] {
  return async (directory, atRisk): Promise<LiveVerdict> => {
    const { begun, accepted, retries } = senders.of(directory).sent;
    const keys = await stored(directory);
    const found = new Set(keys);
    const lost = [...accepted].filter((id) => !found.has(id));
    if (lost.length > 0) throw new Error(`accepted and lost: ${lost.slice(0, 5).join(', ')} and ${lost.length} in all`);
    const made = [...found].filter((id) => !begun.has(id));
    if (made.length > 0) throw new Error(`never sent: ${made.slice(0, 5).join(', ')}`);
    const repeats = keys.length - found.size;
    const most = atRisk + (isSentTwice ? retries : 0);
    if (repeats > most) throw new Error(`${repeats} repeats where at most ${most} were on their way`);
    await senders.close(directory);
    return { events: found.size, repeats, gaps: 0, destroyed: 0, retries };
  };
}

/** Holds what was accepted, while nothing is being sent. */
function restFile(directory: string): string {
  return join(directory, 'rest.json');
}

/** Whether nothing is being sent. */
export function isResting(directory: string): boolean {
  return existsSync(restFile(directory));
}

/** What reads; `idle` as long as it has not begun. */
export interface Reading {
  close(): Promise<void>;
  getStatus(): { readonly state: string };
}

/** Closes a source when nothing is sent any more and all that was accepted is stored. */
export async function closeWhenAllIsStored(
  directory: string,
  stored: Stored,
  source: Reading,
  done: AbortSignal,
): Promise<void> {
  let restsSince: number | undefined;
  while (!done.aborted) {
    await setTimeout(LOOK_MS);
    // Before the first iteration there may be no table to look into.
    if (!isResting(directory) || source.getStatus().state === 'idle') continue;
    const accepted = JSON.parse(readFileSync(restFile(directory), 'utf8')) as string[];
    const found = new Set(await stored(directory));
    restsSince ??= performance.now();
    const isTooLate = performance.now() - restsSince > PATIENCE_MS;
    if (isTooLate || accepted.every((id) => found.has(id))) return source.close();
  }
}

/** Who leaves while the broker is away is told that not all was acknowledged there: it comes again. */
export async function untilItLeaves(reading: Promise<unknown>, hasLeft: () => boolean): Promise<void> {
  try {
    await reading;
  } catch (error) {
    if (!hasLeft() || !RetryableError.isInstance(error)) throw error;
  }
}
