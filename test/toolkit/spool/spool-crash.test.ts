import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeDirectory } from '../../cursors/scratch.js';
import { inParallel, Program } from '../../support/program.js';
import { SMALL, valueFor } from './life.js';
import { drain, openSpool } from './opened.js';

interface Killed {
  /** Where: 'spool.fsync.before'. */
  readonly point: string;
  readonly directory: string;
  /** Keys that were promised, with their sequences. */
  readonly appended: ReadonlyMap<string, number>;
  /** The last sequence that was about to be released. */
  readonly releasing: number;
}

describe('Spool, killed', () => {
  let program: Program;
  const { directory: root, dispose } = makeDirectory();
  let points: readonly string[] = [];
  const killed: Killed[] = [];

  beforeAll(async () => {
    program = await Program.build(new URL('./programs/killed-at.ts', import.meta.url));
    const whole = await program.run(join(root, 'whole'), -1);
    points = whole.lines.filter((line) => line.startsWith('point ')).map((line) => line.slice('point '.length));
    await inParallel([...points.entries()].filter(leavesItsOwnTraces), async ([index, point]) => {
      const directory = join(root, `${index}`);
      const { signal, lines, errors } = await program.run(directory, index);
      if (signal !== 'SIGKILL') throw new Error(`it was not killed at ${point}: ${errors}`);
      killed.push({ point: `${index} ${point}`, directory, ...promisesIn(lines) });
    });
  }, 120_000);

  afterAll(() => {
    program.dispose();
    dispose();
  });

  it('passes every fault point there is', () => {
    const segments = ['write', 'fsync', 'mark', 'write-temp', 'fsync-temp', 'rename', 'fsync-directory', 'unlink'];
    const steps = [...segments, 'keys-write', 'keys-fsync'].flatMap((step) => [
      `spool.${step}.before`,
      `spool.${step}.after`,
    ]);
    expect([...new Set(points)].sort()).toEqual(steps.sort());
  });

  it('WH6: killed anywhere, everything that was promised is handed out, once, in order, without a gap', async () => {
    for (const { point, directory, appended, releasing } of killed) {
      const spool = await openSpool(directory, SMALL);
      const { releasedSequence, lastSequence, damage } = spool.stats;
      expect(damage, point).toEqual([]);
      expect(releasedSequence, point).toBeLessThanOrEqual(releasing);
      const found = await drain(spool);
      expect(found, point).toHaveLength(lastSequence - releasedSequence);
      for (const [key, sequence] of appended) {
        if (sequence > releasedSequence)
          expect(found[sequence - releasedSequence - 1], `${point}: ${key}`).toBe(valueFor(key));
      }
      await spool.close();
    }
  });

  it('WH9: killed anywhere, a key that was promised is known, and one that was not is taken', async () => {
    for (const { point, directory, appended } of killed) {
      const spool = await openSpool(directory, SMALL);
      const last = spool.stats.lastSequence;
      for (const [key, sequence] of appended) {
        const receipt = await spool.append({ key, value: 'again' });
        expect(receipt, `${point}: ${key}`).toEqual({ sequence, isDuplicate: true });
      }
      expect(await spool.append({ key: 'new', value: 'new' }), point).toEqual({
        sequence: last + 1,
        isDuplicate: false,
      });
      expect((await drain(spool)).at(-1), point).toBe('new');
      spool.release(last + 1);
      await spool.close();
      const again = await openSpool(directory, SMALL);
      expect(await drain(again), point).toEqual([]);
      await again.close();
    }
  });
});

/** Between these and the points before them nothing happens to any file: killed there, all is as it was there. */
function leavesItsOwnTraces([, point]: [number, string]): boolean {
  return !/(fsync|fsync-temp|mark|rename|fsync-directory|unlink)\.before$/.test(point);
}

function promisesIn(lines: readonly string[]): Pick<Killed, 'appended' | 'releasing'> {
  const appended = new Map<string, number>();
  let releasing = 0;
  for (const line of lines) {
    const [what, first = '', second] = line.split(' ');
    if (what === 'appended') appended.set(first, Number(second));
    if (what === 'releasing') releasing = Number(first);
  }
  return { appended, releasing };
}
