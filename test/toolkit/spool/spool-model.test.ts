import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/clock.js';
import { Spool } from '../../../src/toolkit/spool/spool.js';
import { makeDirectory } from '../../cursors/scratch.js';
import { drain } from './opened.js';
import { newestSegment, snapshotOf } from './snapshot.js';

const HOOK = Symbol.for('headwater.faultPoint');
const global = globalThis as { [HOOK]?: unknown };

type Step =
  | { readonly kind: 'append'; readonly count: number; readonly size: number; readonly isRepeated: boolean }
  | { readonly kind: 'release'; readonly share: number }
  | { readonly kind: 'read'; readonly maxEvents: number }
  | { readonly kind: 'reopen' };

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      count: fc.integer({ min: 1, max: 5 }),
      size: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 3_000 })),
      isRepeated: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('release' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('read' as const), maxEvents: fc.integer({ min: 1, max: 7 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
);

/** When the process or the machine stops, counted in fault points, and what is left of what was not flushed. */
const crashes = fc.record({
  at: fc.integer({ min: 0, max: 120 }),
  power: fc.option(fc.record({ kept: fc.double({ min: 0, max: 1, noNaN: true }), isScrambled: fc.boolean() }), {
    nil: undefined,
  }),
});

const OPTIONS = { clock: systemClock, maxSegmentBytes: 1_500 };

/** What must hold, whatever was done before the crash. */
class Model {
  /** Values of keys that were promised, with their sequences. */
  readonly promised = new Map<string, { sequence: number; value: string }>();
  readonly values = new Map<string, string>();
  released = 0;
}

describe('Spool', () => {
  it('keeps what it promised, whatever is done with it and wherever it stops', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 1, maxLength: 12 }), crashes, async (life, crash) => {
        const { directory: root, dispose } = makeDirectory();
        try {
          await liveAndCrash(root, life, crash);
        } finally {
          delete global[HOOK];
          dispose();
        }
      }),
      { numRuns: 150 },
    );
  });
});

async function liveAndCrash(
  root: string,
  life: readonly Step[],
  crash: typeof crashes extends fc.Arbitrary<infer Crash> ? Crash : never,
) {
  const directory = join(root, 'live');
  const model = new Model();
  let frozen: { directory: string; model: Model } | undefined;
  let flushed: { path: string; bytes: Buffer } | undefined;
  let count = 0;
  const watch = (name: string): void => {
    if (name === 'spool.fsync.after') flushed = readNewest(directory);
    if (count++ !== crash.at || frozen !== undefined) return;
    const copy = snapshotOf(directory, join(root, 'crashed'));
    if (crash.power !== undefined) losePower(copy, flushed, crash.power);
    frozen = { directory: copy, model: structuredCloneOf(model) };
  };
  let spool = await Spool.open({ directory, ...OPTIONS });
  flushed = readNewest(directory);
  global[HOOK] = watch;
  for (const step of life) spool = await take(step, spool, directory, model);
  delete global[HOOK];
  await checkAll(spool, model);
  await spool.close();
  if (frozen !== undefined) {
    const again = await Spool.open({ directory: frozen.directory, ...OPTIONS });
    await checkAll(again, frozen.model);
    await again.close();
  }
}

async function take(step: Step, spool: Spool, directory: string, model: Model): Promise<Spool> {
  if (step.kind === 'append') await appendSome(step, spool, model);
  else if (step.kind === 'release') {
    const { releasedSequence, lastSequence } = spool.stats;
    model.released = Math.max(
      model.released,
      Math.floor(releasedSequence + step.share * (lastSequence - releasedSequence)),
    );
    spool.release(model.released);
  } else if (step.kind === 'read') await drain(spool, undefined, step.maxEvents);
  else {
    await spool.close();
    return Spool.open({ directory, ...OPTIONS });
  }
  return spool;
}

async function appendSome(step: Extract<Step, { kind: 'append' }>, spool: Spool, model: Model): Promise<void> {
  const keys = Array.from({ length: step.count }, (_, index) => `k${model.values.size + index}`);
  if (step.isRepeated) keys.push(...model.promised.keys(), keys[0] ?? '');
  await Promise.all(
    keys.map(async (key) => {
      const value = model.values.get(key) ?? `${key}:${'x'.repeat(step.size)}`;
      model.values.set(key, value);
      const { sequence, isDuplicate } = await spool.append({ key, value });
      const known = model.promised.get(key);
      if (known !== undefined)
        expect({ sequence, isDuplicate }).toEqual({ sequence: known.sequence, isDuplicate: true });
      model.promised.set(key, { sequence, value });
    }),
  );
}

async function checkAll(spool: Spool, model: Model): Promise<void> {
  const { releasedSequence, damage } = spool.stats;
  expect(damage).toEqual([]);
  expect(releasedSequence).toBeLessThanOrEqual(model.released);
  const found = await drain(spool);
  for (const { sequence, value } of model.promised.values()) {
    if (sequence > releasedSequence) expect(found[sequence - releasedSequence - 1]).toBe(value);
  }
  // What was not promised may be there: whole, and once.
  expect(found.every((value) => [...model.values.values()].includes(value))).toBe(true);
  expect(new Set(found).size).toBe(found.length);
  for (const [key, { sequence }] of model.promised) {
    expect(await spool.append({ key, value: 'again' })).toEqual({ sequence, isDuplicate: true });
  }
}

/** Leaves of the newest segment what was flushed, and a part of what was not. */
function losePower(
  directory: string,
  flushed: { path: string; bytes: Buffer } | undefined,
  { kept, isScrambled }: { kept: number; isScrambled: boolean },
): void {
  const path = newestSegment(directory);
  if (flushed === undefined || !flushed.path.endsWith(path.slice(-20))) return;
  const bytes = readFileSync(path);
  const length = flushed.bytes.length + Math.floor(kept * Math.max(0, bytes.length - flushed.bytes.length));
  flushed.bytes.copy(bytes);
  if (isScrambled) bytes.fill(0, flushed.bytes.length, Math.floor((flushed.bytes.length + length) / 2));
  writeFileSync(path, bytes);
  truncateSync(path, length);
}

function readNewest(directory: string): { path: string; bytes: Buffer } {
  const path = newestSegment(directory);
  return { path, bytes: readFileSync(path) };
}

function structuredCloneOf(model: Model): Model {
  const copy = new Model();
  for (const [key, promise] of model.promised) copy.promised.set(key, promise);
  for (const [key, value] of model.values) copy.values.set(key, value);
  copy.released = model.released;
  return copy;
}
