import type { LiveCase, LiveRound } from './live.js';
import { type Stored, storedInSqlite } from './log-judge.js';
import { BATCH } from './scenario.js';
import { sentWhileRead } from './sent-while-read.js';
import { Services, writeAccess } from './services.js';
import type { SteadyCase } from './steady.js';
import { deliveriesInJsonl } from './webhook-scenarios.js';
import { WebhookSender } from './webhook-sender.js';

const senders = new Services(() => WebhookSender.start());

/** Each of the four sends after so long: some 300 requests in a second. */
const STEADY_PAUSE_MS = 10;

function describeRounds(rounds: readonly LiveRound[]): string {
  const sum = (count: (round: LiveRound) => number): number => rounds.reduce((total, round) => total + count(round), 0);
  const reader = `${sum(({ kills }) => kills)} kills and ${sum(({ stops }) => stops)} stops of the receiver`;
  const sent = `${sum(({ retries = 0 }) => retries)} deliveries sent again by their sender`;
  return `${rounds.length} rounds, ${reader}, ${sent}; ${sum(({ events }) => events)} deliveries complete, ${sum(({ repeats }) => repeats)} repeats`;
}

const received = (stored: Stored, atRisk: number): LiveCase =>
  sentWhileRead(senders, { stored, atRisk, describe: describeRounds });

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
