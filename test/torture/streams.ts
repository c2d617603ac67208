import { KafkaSender, type NumberedSender, RabbitmqSender, RedisSender } from './brokers.js';
import type { LiveCase, LiveRound } from './live.js';
import { type Stored, storedInSqlite } from './log-judge.js';
import { sentWhileRead } from './sent-while-read.js';
import { Services } from './services.js';
import type { SteadyCase } from './steady.js';
import { joinsOf, storedByMembers } from './streams-members.js';
import { keyOfMessage, messagesInJsonl } from './streams-scenarios.js';
import { sentFast } from './streams-slow.js';

type Start = () => Promise<NumberedSender>;

const redis: Start = () => RedisSender.start();
const rabbitmq: Start = () => RabbitmqSender.start('quorum');
const kafka: Start = () => KafkaSender.start();

function read(start: Start, stored: Stored, atRisk: number): LiveCase {
  return sentWhileRead(new Services(start), { stored, atRisk, isSentTwice: true, describe });
}

/** By consumers that join and leave: what is in flight then comes again. */
function readByMembers(start: Start): LiveCase {
  const each = read(start, storedByMembers(keyOfMessage), Number.POSITIVE_INFINITY);
  const judge: LiveCase['judge'] = async (directory, atRisk) => {
    const joins = joinsOf(directory);
    return { ...(await each.judge(directory, atRisk)), joins };
  };
  return {
    ...each,
    judge,
    describe: (rounds) => `${total(rounds, ({ joins = 0 }) => joins)} joins; ${describe(rounds)}`,
  };
}

function describe(rounds: readonly LiveRound[]): string {
  const reader = `${total(rounds, ({ kills }) => kills)} kills and ${total(rounds, ({ stops }) => stops)} stops of the consumer`;
  const broker = `${total(rounds, ({ disturbances }) => disturbances)} disturbances of the broker`;
  const found = `${total(rounds, ({ events }) => events)} messages complete, ${total(rounds, ({ repeats }) => repeats)} repeats`;
  return `${rounds.length} rounds, ${reader}, ${broker}; ${found}`;
}

function total(rounds: readonly LiveRound[], count: (round: LiveRound) => number): number {
  return rounds.reduce((sum, round) => sum + count(round), 0);
}

/** What is acknowledged upstream may come again after any disturbance; with the cursor in a transaction nothing does. */
export const streamCases: Readonly<Record<string, LiveCase>> = {
  'redis-jsonl': read(redis, messagesInJsonl, Number.POSITIVE_INFINITY),
  'redis-sqlite': read(redis, storedInSqlite, 0),
  'rabbitmq-jsonl': read(rabbitmq, messagesInJsonl, Number.POSITIVE_INFINITY),
  'rabbitmq-sqlite': read(() => RabbitmqSender.start('stream'), storedInSqlite, 0),
  'kafka-jsonl': read(kafka, messagesInJsonl, Number.POSITIVE_INFINITY),
  'kafka-sqlite': read(kafka, storedInSqlite, 0),
  'redis-members': readByMembers(redis),
  'rabbitmq-members': readByMembers(rabbitmq),
  'kafka-members': readByMembers(kafka),
};

/** So many messages in a tenth of a second. */
const AT_ONCE = 80;

function fast(start: Start): SteadyCase {
  return sentFast(async () => Object.assign(await start(), { atOnce: AT_ONCE }));
}

export const streamSteady: Readonly<Record<string, SteadyCase>> = {
  'redis-slow': fast(redis),
  'rabbitmq-slow': fast(rabbitmq),
  'kafka-slow': fast(kafka),
};
