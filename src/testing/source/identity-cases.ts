import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import type { SourceEvent } from '../../core/event.js';
import { MemoryCursorStore } from '../../cursors/memory/memory-cursor-store.js';
import { peerFailure } from '../../toolkit/import-peer.js';
import { assertSame, keyOf, type SourceCase, type Trial } from './trial.js';

const RESERVED = 'headwater.';

/** What the events are, whoever reads them. */
export const identityCases: readonly SourceCase[] = [
  {
    name: 'a run brings every event, each once',
    async check(trial) {
      const events = await trial.read(await trial.start());
      assertSame(events, events, 'a run');
      assert.equal(events.length, trial.world.events, `a run brings ${events.length} events of ${trial.world.events}`);
    },
  },
  {
    name: 'what is read again is the same to the letter',
    needs: ['stable ids'],
    async check(trial) {
      const first = await readWithoutAcknowledging(trial);
      await laterTime();
      const again = await trial.read(await trial.start());
      assertSameFacts(again, first);
    },
  },
  {
    name: 'what another process reads is the same to the letter',
    needs: ['stable ids', 'elsewhere'],
    async check(trial) {
      const here = await readWithoutAcknowledging(trial);
      const elsewhere = (await trial.harness.readElsewhere?.(trial.world, trial.options())) ?? [];
      assertSameFacts(elsewhere, here);
    },
  },
  {
    name: 'every event is a CloudEvent 1.0 to the official package',
    async check(trial) {
      const { CloudEvent } = await importCloudEvents();
      for (const event of await trial.read(await trial.start())) {
        try {
          new CloudEvent({ ...event } as never, true).validate();
        } catch (error) {
          const { message, errors } = error as { message: string; errors?: unknown };
          assert.fail(`${keyOf(event)} is not a CloudEvent: ${message} ${JSON.stringify(errors ?? '')}`);
        }
      }
    },
  },
  {
    name: 'events survive JSON, are of types that the definition names, and say which source made them',
    async check(trial) {
      const { events, type } = trial.definition;
      for (const event of await trial.read(await trial.start())) {
        const name = keyOf(event);
        const isKnown = Object.hasOwn(events, event.type) && !event.type.startsWith(RESERVED);
        assert.ok(isKnown || event.type === 'headwater.gap', `the definition does not name the type ${event.type}`);
        assert.equal(event.sourceid, 'trial', `${name} says that another source made it`);
        assert.equal(event.sourcetype, type, `${name} says that another type of source made it`);
        assert.ok(isDeepStrictEqual(throughJson(event), { ...event }), `${name} does not survive JSON`);
      }
    },
  },
  {
    name: 'an event is not changed after it was handed out',
    async check(trial) {
      const texts: [event: SourceEvent, text: string][] = [];
      for await (const event of trial.iterate(await trial.start())) texts.push([event, JSON.stringify(event)]);
      for (const [event, text] of texts) {
        assert.equal(JSON.stringify(event), text, 'an event was changed after it was handed out');
      }
    },
  },
  {
    name: 'two sources of the class do not touch each other',
    needs: ['cursor'],
    async check(trial) {
      const sources = [
        await trial.start(),
        await trial.start({ id: 'other', store: new MemoryCursorStore() }),
      ] as const;
      const left: SourceEvent[] = [];
      const right = trial.iterate(sources[1]);
      let fromRight: SourceEvent[] = [];
      for await (const event of trial.iterate(sources[0])) {
        left.push(event);
        // The second is slower, so that the two are never at the same place.
        if (left.length % 3 !== 0) continue;
        const { done, value } = await right.next();
        if (done !== true) fromRight = [...fromRight, value];
      }
      for await (const event of right) fromRight.push(event);
      // The origin of an event may be the source itself, which is another for each.
      assertSame(fromRight.map(withoutOrigin), left.map(withoutOrigin), 'the second of two sources');
      assert.equal(left.length, trial.world.events, 'the first of two sources does not bring everything');
      const [first, second] = [left[0], fromRight.find((event) => event.id === left[0]?.id)];
      assert.notEqual(first?.sourceid, second?.sourceid, 'the second source speaks in the name of the first');
    },
  },
];

function withoutOrigin(event: SourceEvent): SourceEvent {
  return { ...event, source: '' };
}

/** The first so many, acknowledged by nobody: whoever comes next gets them too. */
async function readWithoutAcknowledging(trial: Trial): Promise<SourceEvent[]> {
  const source = await trial.start();
  const events: SourceEvent[] = [];
  const options = { settlement: 'explicit', maxEvents: trial.window } as const;
  for await (const batch of trial.guard(source.generateBatches(options))) {
    events.push(...batch.events);
    if (events.length >= trial.window) break;
  }
  await source.close();
  return events;
}

function assertSameFacts(again: readonly SourceEvent[], first: readonly SourceEvent[]): void {
  const byKey = new Map(again.map((event) => [keyOf(event), event]));
  assert.ok(first.length > 0, 'nothing was read');
  for (const event of first) {
    const other = byKey.get(keyOf(event));
    assert.ok(other !== undefined, `${keyOf(event)} has another id the second time, or is missing`);
    assert.deepEqual(throughJson(other), throughJson(event), `${keyOf(event)} is another the second time`);
  }
}

async function importCloudEvents(): Promise<typeof import('cloudevents')> {
  try {
    return await import('cloudevents');
  } catch (error) {
    throw peerFailure('cloudevents', error);
  }
}

function throughJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** In another millisecond: within one, what tells the time of receipt would be the same. */
async function laterTime(): Promise<void> {
  const now = Date.now();
  while (Date.now() === now) await new Promise((resolve) => setTimeout(resolve, 1));
}
