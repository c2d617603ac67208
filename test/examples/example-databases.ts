import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

const POSTGRES = 'postgres://postgres@127.0.0.1:5432/test';

/** A database of its own for an example, as its `--database` is told. */
export const exampleDatabases: readonly {
  readonly name: 'SQLite' | 'PostgreSQL';
  open(): Promise<{ url: string; drop(): Promise<void> }>;
}[] = [
  {
    name: 'SQLite',
    open: async () => {
      const directory = mkdtempSync(join(tmpdir(), 'headwater-example-'));
      return { url: join(directory, 'example.sqlite'), drop: async () => rmSync(directory, { recursive: true }) };
    },
  },
  {
    name: 'PostgreSQL',
    open: async () => {
      const schema = `headwater_example_${randomBytes(6).toString('hex')}`;
      const admin = new pg.Client(POSTGRES);
      await admin.connect();
      await admin.query(`create schema ${schema}`);
      const options = encodeURIComponent(`-c search_path=${schema}`);
      const drop = async (): Promise<void> => {
        await admin.query(`drop schema ${schema} cascade`);
        await admin.end();
      };
      return { url: `${POSTGRES}?options=${options}&application_name=${schema}`, drop };
    },
  },
];
