import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../../src/core/clock.js';
import { Spool, type SpoolBatch, type SpoolOptions } from '../../../src/toolkit/spool/spool.js';
import { scratchDirectory } from '../../cursors/scratch.js';

/** A directory that a spool may be made in. */
export function spoolDirectory(): string {
  return join(scratchDirectory(), 'spool');
}

/** A spool that is closed after the test. */
export async function openSpool(directory: string, options: Partial<SpoolOptions> = {}): Promise<Spool> {
  const spool = await Spool.open({ directory, clock: systemClock, ...options });
  onTestFinished(() => spool.close().catch(() => {}));
  return spool;
}

/** What a spool hands out up to its end, as text; gaps as `gap 3-5 damaged`. */
export async function drain(spool: Spool, after?: number, maxEvents = 100): Promise<string[]> {
  const found: string[] = [];
  let expected = (after ?? spool.stats.releasedSequence) + 1;
  const last = spool.stats.lastSequence;
  if (expected > last) return found;
  for await (const batch of spool.batches(after, { maxEvents })) {
    expected = describe(batch, expected, found);
    if (expected > last) break;
  }
  return found;
}

function describe({ records, gap }: SpoolBatch, expected: number, found: string[]): number {
  if (gap !== undefined) {
    if (gap.from !== expected || records.length > 0) throw new Error(`gap from ${gap.from} where ${expected} was due`);
    found.push(`gap ${gap.from}-${gap.to} ${gap.reason}`);
    return gap.to + 1;
  }
  if (records.length === 0) throw new Error('an empty batch');
  for (const { sequence, value } of records) {
    if (sequence !== expected) throw new Error(`record ${sequence} where ${expected} was due`);
    found.push(value.toString());
    expected += 1;
  }
  return expected;
}
