import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryDeadLetterStore } from 'headwater';
import { JsonlDeadLetterStore } from 'headwater/sinks/jsonl';
import { KyselyDeadLetterStore } from 'headwater/sinks/kysely';
import { testDeadLetterStore } from 'headwater/testing';
import { describe } from 'vitest';
import { databaseServices } from '../services/databases.js';
import { describeWith } from '../services/needs.js';
import { runCases } from './run-cases.js';

describe('the contract of dead letter stores, memory', () => {
  runCases(testDeadLetterStore({ create: async () => ({ store: new MemoryDeadLetterStore() }) }));
});

describe('the contract of dead letter stores, JSONL', () => {
  const create = async () => {
    const directory = mkdtempSync(join(tmpdir(), 'headwater-letters-'));
    const path = join(directory, 'letters.jsonl');
    const store = new JsonlDeadLetterStore(path);
    return {
      store,
      reopen: async () => new JsonlDeadLetterStore(path),
      async close() {
        await store.close();
        rmSync(directory, { recursive: true, force: true });
      },
    };
  };
  runCases(testDeadLetterStore({ create }));
});

for (const service of databaseServices) {
  describeWith(service.name, await service.isThere(), `the contract of dead letter stores, ${service.name}`, () => {
    const create = async () => {
      const { database, connect, drop } = await service.create<object>();
      const store = new KyselyDeadLetterStore(database);
      return { store: store as never, reopen: async () => new KyselyDeadLetterStore(connect()) as never, close: drop };
    };
    runCases(testDeadLetterStore({ create }));
  });
}
