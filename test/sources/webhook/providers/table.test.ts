import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { repositoryRoot } from '../../../../scripts/entries.js';
import { type ProviderName, providers } from '../../../../src/sources/webhook/providers/index.js';
import { createProvider } from './all-providers.js';

const UNITS = { s: 1_000, min: 60_000, h: 3_600_000, KB: 1_024, MB: 1_048_576 } as const;

/** '10 s', '120 h, on 5xx', '256 KB' as a number. */
function toNumber(text: string): number {
  const [, value, unit] = /^(\d+) (s|min|h|KB|MB)\b/.exec(text) ?? [];
  return Number(value) * UNITS[unit as keyof typeof UNITS];
}

/** The rows below the heading, by what is in the first cell. */
function rows(): Map<string, readonly string[]> {
  const page = readFileSync(`${repositoryRoot}/docs/guide/webhooks.md`, 'utf8');
  const section = page.split('\n## ').find((each) => each.startsWith('Senders\n')) ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('| `'));
  return new Map(
    lines.slice(1).map((line) => {
      const [name = '', ...cells] = line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim());
      return [name.replaceAll('`', ''), cells];
    }),
  );
}

it('the guide says of every provider what it does', () => {
  const table = rows();
  expect([...table.keys()].sort()).toEqual(Object.keys(providers).sort());
  for (const [name, [, , waits = '', tries = '', largest = '']] of table) {
    const provider = createProvider(name as ProviderName);
    expect(provider.name).toBe(name);
    expect([name, provider.deadlineMs, provider.maxBodyBytes]).toEqual([name, toNumber(waits), toNumber(largest)]);
    expect([name, provider.retries]).toEqual([name, tries !== 'no']);
    if (provider.retries) expect([name, provider.redeliveryMs]).toEqual([name, toNumber(tries)]);
  }
});
