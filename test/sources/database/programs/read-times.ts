import { Kysely, MysqlDialect, PostgresDialect } from 'kysely';
import { createPool } from 'mysql2';
import pg from 'pg';
import { DatabaseSource } from '../../../../src/sources/database/index.js';

// The zone of this process has to be set before anybody asks for a time.
const [name = '', schema = '', connection = '', zone = ''] = process.argv.slice(2);
process.env['TZ'] = zone;

const database = name === 'PostgreSQL' ? postgres() : mariadb();

function postgres() {
  const options = `-c search_path=${schema} -c TimeZone=${connection} -c DateStyle=SQL,DMY`;
  const pool = new pg.Pool({ host: '127.0.0.1', user: 'postgres', database: 'test', max: 1, options });
  return new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
}

/** MariaDB knows zones by their names only where its tables were filled, so the offsets of that day are given. */
function mariadb() {
  const offsets: Record<string, string> = { UTC: '+00:00', 'America/New_York': '-04:00', 'Asia/Kolkata': '+05:30' };
  const pool = createPool({
    host: '127.0.0.1',
    user: 'root',
    database: schema,
    connectionLimit: 1,
    timezone: offsets[zone] ?? 'local',
  });
  pool.on('connection', (each) => void each.query(`set time_zone = '${offsets[connection]}'`));
  return new Kysely<unknown>({ dialect: new MysqlDialect({ pool }) });
}

const source = await DatabaseSource.create({
  id: 'times',
  config: { mode: 'keyset', database, table: 'times', cursorColumn: 'at', lateCommits: 'none' },
});
for await (const event of source.generateEvents()) {
  process.stdout.write(
    `${JSON.stringify({ time: event.time, row: 'row' in event.data ? event.data.row : undefined, cursor: event.id })}\n`,
  );
}
await database.destroy();
