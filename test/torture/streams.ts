import { RabbitmqSender, RedisSender } from './brokers.js';
import type { LiveCase, LiveRound } from './live.js';
import { type Stored, storedInSqlite } from './log-judge.js';
import { type Sender, sentWhileRead } from './sent-while-read.js';
import { Services } from './services.js';
import { messagesInJsonl } from './streams-scenarios.js';

function read(start: () => Promise<Sender>, stored: Stored, atRisk: number): LiveCase {
  return sentWhileRead(new Services(start), { stored, atRisk, isSentTwice: true, describe });
}

function describe(rounds: readonly LiveRound[]): string {
  const sum = (count: (round: LiveRound) => number): number => rounds.reduce((total, round) => total + count(round), 0);
  const reader = `${sum(({ kills }) => kills)} kills and ${sum(({ stops }) => stops)} stops of the consumer`;
  const broker = `${sum(({ disturbances }) => disturbances)} disturbances of the broker`;
  return `${rounds.length} rounds, ${reader}, ${broker}; ${sum(({ events }) => events)} messages complete, ${sum(({ repeats }) => repeats)} repeats`;
}

/** What is acknowledged upstream may come again after any disturbance; with the cursor in a transaction nothing does. */
export const streamCases: Readonly<Record<string, LiveCase>> = {
  'redis-jsonl': read(() => RedisSender.start(), messagesInJsonl, Number.POSITIVE_INFINITY),
  'redis-sqlite': read(() => RedisSender.start(), storedInSqlite, 0),
  'rabbitmq-jsonl': read(() => RabbitmqSender.start('quorum'), messagesInJsonl, Number.POSITIVE_INFINITY),
  'rabbitmq-sqlite': read(() => RabbitmqSender.start('stream'), storedInSqlite, 0),
};
