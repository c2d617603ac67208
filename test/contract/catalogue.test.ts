import { existsSync } from 'node:fs';
import type { SourceEvent, SourceOptions } from 'headwater';
import { type SourceHarness, type SourceWorld, testSource } from 'headwater/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listSourceFolders } from '../../scripts/entries.js';
import { Program } from '../support/program.js';
import { runCases } from './run-cases.js';

const types = listSourceFolders().map((folder) => folder.split('/').at(-1) as string);

let elsewhere: Program;
beforeAll(async () => {
  elsewhere = await Program.build(new URL('./read-elsewhere.ts', import.meta.url));
});
afterAll(() => elsewhere.dispose());

it('every source that comes with the package has a harness', () => {
  const missing = types.filter((type) => !existsSync(new URL(`./harnesses/${type}.ts`, import.meta.url)));
  expect(missing).toEqual([]);
});

for (const type of types) {
  const { harness } = (await import(`./harnesses/${type}.ts`)) as { harness: SourceHarness };
  const readElsewhere = async (_: SourceWorld, options: SourceOptions): Promise<readonly SourceEvent[]> => {
    const { lines, errors } = await elsewhere.run(type, JSON.stringify(options));
    expect(errors).toBe('');
    return JSON.parse(lines.join('\n')) as SourceEvent[];
  };
  describe(`the contract of sources, ${type}`, () => {
    const cases = testSource({ ...harness, readElsewhere });
    runCases(cases, { timeout: 60_000 });
    it('says of every case that does not apply why', () => {
      const given = (harness.skip ?? []).map((one) => one.case);
      // What follows from the definition of the source is said there.
      const isUntold = (reason: string | undefined): boolean => reason?.startsWith('the harness has no ') === true;
      const left = cases.filter(({ name, skipped }) => isUntold(skipped) && !given.includes(name));
      expect(left.map(({ name, skipped }) => `${name}: ${skipped}`)).toEqual([]);
    });
  });
}
