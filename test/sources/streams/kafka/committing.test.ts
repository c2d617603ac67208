import { PermissionError, systemClock } from 'headwater';
import type { KafkaClient, KafkaOffset } from 'headwater/sources/streams/kafka';
import { describe, expect, it } from 'vitest';
import { Committing } from '../../../../src/sources/streams/kafka/committing.js';
import { NO_ATTEMPTS } from '../../../../src/sources/streams/kafka/deliveries.js';
import type { ReaderContext } from '../../../../src/sources/streams/kafka/mode.js';
import type { Position } from '../../../../src/sources/streams/kafka/positions.js';
import type { Epoch } from '../../../../src/sources/streams/kafka/session.js';

/** A client whose commits are answered one by one. */
function committing() {
  const asked: (readonly KafkaOffset[])[] = [];
  const answers: ((error?: unknown) => void)[] = [];
  const commit = (offsets: readonly KafkaOffset[]) =>
    new Promise<void>((resolve, reject) => {
      asked.push(offsets);
      answers.push((error) => (error === undefined ? resolve() : reject(error)));
    });
  const reader = {
    config: { reconnect: { retries: 0, minDelayMs: 1, maxDelayMs: 1 } },
    clock: systemClock,
    context: { signal: new AbortController().signal },
    logger: { warn() {} },
  } as unknown as ReaderContext;
  const epoch: Epoch = { client: { commit } as unknown as KafkaClient, isLost: false, positions: new Map() };
  const answer = async (error?: unknown) => {
    await turns();
    answers.shift()?.(error);
    await turns();
  };
  return { subject: new Committing(reader), epoch, answer, asked };
}

const turns = () => new Promise((resolve) => setImmediate(resolve));
const at = (partition: number) => ({ topic: 't', partition });
const position = (frontier: bigint): Position => ({ next: 9n, frontier, end: 9n, attempts: NO_ATTEMPTS });
const told = (offsets: readonly KafkaOffset[] = []) => offsets.map((each) => `${each.partition}:${each.offset}`);

describe('commits', () => {
  it('one at a time: what moves meanwhile is in the next, of all partitions, as far as it has moved by then', async () => {
    const { subject, epoch, answer, asked } = committing();
    const [one, two] = [position(1n), position(5n)];
    subject.moved(at(0), one, epoch);
    await turns();
    for (const frontier of [2n, 3n, 4n]) {
      one.frontier = frontier;
      subject.moved(at(0), one, epoch);
    }
    subject.moved(at(1), two, epoch);
    const all = subject.commit(at(1), two, epoch);
    await turns();
    expect(asked.map(told)).toEqual([['0:1']]);
    await answer();
    await answer();
    await all;
    await subject.flushed();
    expect(asked.map(told)).toEqual([['0:1'], ['0:4', '1:5']]);
  });

  it('what is no longer ours is left out, and asked nothing for', async () => {
    const { subject, epoch, answer, asked } = committing();
    subject.moved(at(0), position(1n), epoch);
    await turns();
    subject.moved(at(1), position(1n), epoch);
    epoch.isLost = true;
    await answer();
    await subject.flushed();
    expect(asked).toHaveLength(1);
  });

  it('what cannot be committed is told to who reads, and at the end, until it is known; what follows is tried all the same', async () => {
    const { subject, epoch, answer, asked } = committing();
    const refused = new PermissionError('not allowed');
    const heard: unknown[] = [];
    subject.begin((error) => heard.push(error));
    subject.moved(at(0), position(1n), epoch);
    await answer(refused);
    expect(heard).toEqual([refused]);
    await expect(subject.flushed()).rejects.toBe(refused);
    subject.forget();
    await subject.flushed();
    subject.moved(at(0), position(2n), epoch);
    await answer();
    await subject.flushed();
    expect(asked.map(told)).toEqual([['0:1'], ['0:2']]);
  });
});
