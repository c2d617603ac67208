import { type SourceHarness, testSource } from 'headwater/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Program } from '../support/program.js';
import { configs } from './planted/configs.js';
import { failures } from './planted/failures.js';
import { identities } from './planted/identities.js';
import type { Planted } from './planted/planted.js';
import { positions } from './planted/positions.js';
import { releases, removeLeftovers } from './planted/releases.js';
import { Hook, Ledger, Orders, Queue, Remembering } from './planted/right.js';
import { secrets } from './planted/secrets.js';
import { settlements } from './planted/settlements.js';
import { Shop, TOKEN } from './planted/shop.js';

const planted: readonly Planted[] = [
  ...positions,
  ...identities,
  ...settlements,
  ...releases,
  ...failures,
  ...secrets,
  ...configs,
];

const asked = {
  open: async () => new Shop(),
  more: async (shop) => shop.place(),
  requests: (shop) => shop.requests,
  fail: (shop, kind, after) => shop.fail(kind, after),
  hang: (shop) => shop.hang(),
  connections: (shop) => shop.connections,
  flood: async (shop) => {
    for (let count = 0; count < 3_000; count += 1) shop.place();
  },
  taken: (shop) => shop.handed.size / shop.orders.length,
  secrets: [TOKEN],
} satisfies Partial<SourceHarness<Shop>>;

const receives = {
  open: asked.open,
  deliver: (shop) => shop.deliver(),
  secrets: [TOKEN],
} satisfies Partial<SourceHarness<Shop>>;

let elsewhere: Program;
beforeAll(async () => {
  elsewhere = await Program.build(new URL('./planted/elsewhere.ts', import.meta.url));
});
afterAll(() => elsewhere.dispose());

/** The ids that a source of the class gives in another process. */
async function readElsewhere(source: unknown): Promise<never> {
  const { lines, errors } = await elsewhere.run((source as { name: string }).name);
  expect(errors).toBe('');
  return JSON.parse(lines.join('')) as never;
}

function harnessOf(source: unknown, patienceMs?: number): SourceHarness<Shop> {
  const receiving = source === Hook || Object.getPrototypeOf(source) === Hook;
  const ways = receiving ? receives : { ...asked, readElsewhere: () => readElsewhere(source) };
  return { ...ways, source: source as never, patienceMs };
}

describe('the contract of sources', () => {
  it.each([
    ['that asks for pages', Orders],
    ['that reads one event after another', Ledger],
    ['that keeps state', Remembering],
    ['of a queue', Queue],
    ['that receives', Hook],
  ])('accepts a source %s', async (_, source) => {
    const failed: string[] = [];
    for (const { name, run } of testSource(harnessOf(source))) {
      await run().catch((error: Error) => failed.push(`${name}: ${error.message}`));
    }
    expect(failed).toEqual([]);
  });

  it.each(planted)('rejects one that $mistake', async ({ source, fails }) => {
    const cases = testSource(harnessOf(source, 1_000));
    for (const [name, says] of Object.entries(fails)) {
      const message = await cases
        .find((one) => one.name === name)
        ?.run()
        .then(
          () => 'it passes',
          (error: Error) => error.message,
        );
      expect(message, name).toMatch(says);
    }
    removeLeftovers();
  });

  it('has no case that none of them fails, and none that only a mistake in the list has', () => {
    const names = testSource(harnessOf(Orders)).map(({ name }) => name);
    const failed = new Set(planted.flatMap(({ fails }) => Object.keys(fails)));
    expect([...failed].filter((name) => !names.includes(name))).toEqual([]);
    expect(names.filter((name) => !failed.has(name))).toEqual([]);
  });

  it('leaves out what the harness cannot do, and says why', () => {
    const given = { source: Orders as never, open: asked.open };
    const reasons = testSource(given).flatMap(({ skipped }) => skipped ?? []);
    expect(reasons).toContain('the harness has no `fail`');
    expect(testSource({ ...given, skip: [{ case: 'an abort ends a back-off', reason: 'why' }] }).length).toBe(
      testSource(given).length,
    );
    expect(() => testSource({ ...given, skip: [{ case: 'misspelt', reason: '' }] })).toThrow(/no case "misspelt"/);
  });
});
