import { renameSync, rmSync, writeFileSync } from 'node:fs';
import type { LiveCase, LiveRound, LiveVerdict } from './live.js';
import { type Stored, storedInSqlite } from './log-judge.js';
import { BATCH } from './scenario.js';
import { Services, writeAccess } from './services.js';
import type { SteadyCase } from './steady.js';
import { deliveriesInJsonl, restFile } from './webhook-scenarios.js';
import { WebhookSender } from './webhook-sender.js';

const senders = new Services(() => WebhookSender.start());

/** Each of the four sends after so long: some 300 requests in a second. */
const STEADY_PAUSE_MS = 10;

/** Everything that was answered with a 2xx is an event; nothing was made up, and no more came twice than may. */
function judge(stored: Stored): LiveCase['judge'] {
  return async (directory, atRisk): Promise<LiveVerdict> => {
    const sender = senders.of(directory);
    const { begun, accepted, retries } = sender.sent;
    const keys = await stored(directory);
    const found = new Set(keys);
    const lost = [...accepted].filter((id) => !found.has(id));
    if (lost.length > 0) throw new Error(`answered and lost: ${lost.slice(0, 5).join(', ')} and ${lost.length} in all`);
    const made = [...found].filter((id) => !begun.has(id));
    if (made.length > 0) throw new Error(`never sent: ${made.slice(0, 5).join(', ')}`);
    const repeats = keys.length - found.size;
    if (repeats > atRisk) throw new Error(`${repeats} repeats where at most ${atRisk} were on their way`);
    await senders.close(directory);
    return { events: found.size, repeats, gaps: 0, destroyed: 0, retries };
  };
}

function received(stored: Stored, atRisk: number): LiveCase {
  return {
    async start(directory) {
      await senders.start(directory);
      const sender = senders.of(directory);
      writeFileSync(restFile(directory), '[]');
      return {
        // Nothing is sent before the first child has looked at an empty spool.
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
    judge: judge(stored),
    describe: describeRounds,
  };
}

function describeRounds(rounds: readonly LiveRound[]): string {
  const sum = (count: (round: LiveRound) => number): number => rounds.reduce((total, round) => total + count(round), 0);
  const reader = `${sum(({ kills }) => kills)} kills and ${sum(({ stops }) => stops)} stops of the receiver`;
  const sent = `${sum(({ retries = 0 }) => retries)} deliveries sent again by their sender`;
  return `${rounds.length} rounds, ${reader}, ${sent}; ${sum(({ events }) => events)} deliveries complete, ${sum(({ repeats }) => repeats)} repeats`;
}

/** In a transaction with the cursor nothing comes twice; in a file, the batch in flight at a kill does. */
export const webhookCases: Readonly<Record<string, LiveCase>> = {
  'webhook-jsonl': received(deliveriesInJsonl, BATCH),
  'webhook-sqlite': received(storedInSqlite, 0),
};

/** For minutes, with what a spool and the remembered ids of deliveries come to once they are full. */
const steady: SteadyCase = {
  unit: 'requests',
  mostBytes: 20,
  async start(directory) {
    const sender = await WebhookSender.start(STEADY_PAUSE_MS);
    writeAccess(directory, sender.access);
    sender.begin();
    return () => sender.close();
  },
};

export const webhookSteady: Readonly<Record<string, SteadyCase>> = {
  'webhook-steady': steady,
  'webhook-steady-spool': steady,
};
