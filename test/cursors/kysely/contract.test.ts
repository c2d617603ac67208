import { it } from 'vitest';
import { KyselyCursorStore } from '../../../src/cursors/kysely/index.js';
import { FakeClock, testCursorStore } from '../../../src/testing/index.js';
import { databaseServices } from '../../services/databases.js';
import { describeWith } from '../../services/needs.js';

for (const service of databaseServices) {
  const isThere = await service.isThere();
  describeWith(service.name, isThere, `the contract of cursor stores, ${service.name}`, () => {
    const create = async () => {
      const { database, connect, drop } = await service.create();
      const clock = new FakeClock();
      return {
        store: new KyselyCursorStore(database, { clock }),
        reopen: async () => new KyselyCursorStore(connect(), { clock }),
        advance: (milliseconds: number) => clock.advance(milliseconds),
        close: drop,
      };
    };
    for (const { name, skipped, run } of testCursorStore({ create })) it.skipIf(skipped !== undefined)(name, run);
  });
}
