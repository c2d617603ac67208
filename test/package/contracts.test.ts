import { expect, test } from 'vitest';
import { Project } from './project.js';

const program = `
import { test } from 'node:test';
import { BatchEventSource, MemoryCursorStore, MemoryDeadLetterStore, parseConfig } from 'headwater';
import { MemorySink } from 'headwater/sinks/memory';
import { testCursorStore, testDeadLetterStore, testSink, testSource } from 'headwater/testing';

const anything = { '~standard': { version: 1, vendor: 'host', validate: (value) => ({ value }) } };
class Numbers extends BatchEventSource {
  static definition = {
    type: 'numbers',
    config: anything,
    capabilities: { kind: 'pull', delivery: 'at-least-once', position: 'cursor', ids: 'stable', deletes: false },
    events: { 'numbers.one': { description: 'One more.' } },
  };
  static async create(options) {
    return new Numbers({ ...options, config: await parseConfig(anything, options) });
  }
  type = 'numbers';
  async validate() {
    return { ok: true, problems: [] };
  }
  async *readBatches({ cursor, follow, signal }) {
    for (let n = cursor?.n ?? 0; n < 8; n += 2) {
      const events = [n + 1, n + 2].filter((n) => n <= 8).map((n) => this.event({ type: 'numbers.one', id: String(n), data: { n } }));
      yield { events, cursor: { n: n + events.length }, cursorAt: (count) => ({ n: n + count }) };
    }
    while (follow) await this.clock.sleep(1000, signal);
  }
}

const sinks = { promises: ['order'], create: async () => { const sink = new MemorySink(); return { sink, stored: async () => sink.events }; } };
const skip = [{ case: 'a key that is misspelt is refused, and named', reason: 'the schema says nothing of keys' }];
for (const { name, skipped, run } of [
  ...testSource({ source: Numbers, open: async () => ({ config: {}, events: 8 }), skip }),
  ...testCursorStore({ create: async () => ({ store: new MemoryCursorStore() }) }),
  ...testSink(sinks),
  ...testDeadLetterStore({ create: async () => ({ store: new MemoryDeadLetterStore() }) }),
]) test(name, { skip: skipped ?? false }, run);
`;

test('the contracts run under node:test', () => {
  const project = new Project({ 'package.json': { type: 'module' }, 'contracts.test.js': program });
  const { stdout, status } = project.node('--test', '--test-reporter=tap');
  const count = (name: string): number => Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(stdout)?.[1]);
  expect({ status, failed: count('fail') }, stdout).toEqual({ status: 0, failed: 0 });
  expect(count('pass')).toBeGreaterThan(60);
  expect(stdout).toContain('SKIP the harness has no `fail`');
});
