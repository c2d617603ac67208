import { writeSync } from 'node:fs';
import { KyselySnapshotTable } from '../../../../src/sinks/kysely/index.js';
import { openSqlite } from '../../../services/databases.js';

// Applies snapshots to one group, against others that do the same. What each has made of it is told on standard output.
const [file = '', name = '', count = '0'] = process.argv.slice(2);
const db = openSqlite<unknown>(file);
const table = new KyselySnapshotTable(db, { key: (item: { id: string }) => item.id, history: true });
for (let index = 0; index < Number(count); index += 1) {
  const items = [{ id: 'shared', by: name, index }, { id: `${name} ${index}` }];
  const { created, updated, revision } = await table.apply('group', items, { mode: 'partial' });
  writeSync(1, `${JSON.stringify({ revision, created: created.length, updated: updated.length })}\n`);
}
await db.destroy();
