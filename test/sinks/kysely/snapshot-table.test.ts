import { KyselySnapshotTable, type SnapshotHistoryTable, type SnapshotsTable } from 'headwater/sinks/kysely';
import type { Kysely } from 'kysely';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { databaseServices } from '../../services/databases.js';
import { describeWith } from '../../services/needs.js';
import { Random } from '../../torture/random.js';

interface Module {
  name: string;
  version: string;
  enabled?: boolean;
}

interface Tables {
  headwater_snapshots: SnapshotsTable;
  headwater_snapshots_history: SnapshotHistoryTable;
  /** The host's own: what it was told, in the transaction in which it was told. */
  changes: { site: string; revision: number; name: string; before: string | null; after: string | null };
}

const key = ({ name }: Module) => name;
const version = ({ version: text, enabled }: Module) => `${text} ${enabled ?? true}`;
const module = (name: string, text = '1.0', more: Partial<Module> = {}): Module => ({ name, version: text, ...more });
const SITES = 12;
const SYNCS_PER_SITE = 6;

for (const service of databaseServices) {
  const isThere = await service.isThere();
  describeWith(service.name, isThere, `snapshots over Kysely, ${service.name}`, () => {
    let db: Kysely<Tables>;
    let connect: () => Kysely<Tables>;

    beforeEach(async () => {
      const created = await service.create<Tables>();
      db = created.database;
      connect = created.connect;
      return created.drop;
    });

    const open = (from: Kysely<Tables> = db) => new KyselySnapshotTable(from, { key, version });
    const names = (list: readonly { key: string }[]) => list.map((entry) => entry.key).sort();
    const stored = async (group: string) => (await open().items(group)).map(version).sort();

    it('tells what a full snapshot created, updated, removed and left', async () => {
      const table = open();
      const first = await table.apply('site', [module('a'), module('b'), module('c')], { mode: 'full' });
      expect([names(first.created), first.updated, first.removed, first.revision]).toEqual([
        ['a', 'b', 'c'],
        [],
        [],
        1,
      ]);
      const next = [module('d'), module('b', '1.1'), module('c')];
      const second = await table.apply('site', next, { mode: 'full' });
      expect(second).toEqual({
        created: [{ key: 'd', version: '1.0 true', item: module('d') }],
        updated: [{ key: 'b', version: '1.1 true', item: module('b', '1.1'), previousVersion: '1.0 true' }],
        unchanged: [{ key: 'c', version: '1.0 true', item: module('c') }],
        removed: [{ key: 'a', previousVersion: '1.0 true' }],
        revision: 2,
      });
      expect((await table.items('site')).sort((one, other) => (one.name < other.name ? -1 : 1))).toEqual([
        module('b', '1.1'),
        module('c'),
        module('d'),
      ]);
    });

    it('a partial snapshot leaves the rest alone', async () => {
      const table = open();
      await table.apply('site', [module('a'), module('b')], { mode: 'full' });
      const { created, updated, removed } = await table.apply('site', [module('b', '2.0'), module('c')], {
        mode: 'partial',
      });
      expect([names(created), names(updated), removed]).toEqual([['c'], ['b'], []]);
      expect((await table.items('site')).map(key).sort()).toEqual(['a', 'b', 'c']);
    });

    it('the same again changes nothing; nothing at all removes all', async () => {
      const table = open();
      const snapshot = [module('a'), module('b')];
      await table.apply('site', snapshot, { mode: 'full' });
      const again = await table.apply('site', [...snapshot].reverse(), { mode: 'full' });
      expect([again.created, again.updated, again.removed]).toEqual([[], [], []]);
      expect([names(again.unchanged), again.revision]).toEqual([['a', 'b'], 1]);
      const { removed, revision } = await table.apply('site', [], { mode: 'full' });
      expect([names(removed), revision]).toEqual([['a', 'b'], 2]);
      expect(await table.items('site')).toEqual([]);
      expect(await table.apply('other', [], { mode: 'full' })).toMatchObject({ revision: 0, removed: [] });
    });

    it('groups and keys are told apart byte by byte', async () => {
      const table = open();
      const group = ['a', 'A', 'a ', 'ä', 'a\u0308', '😀', "'; drop table headwater_snapshots; --"];
      for (const name of group)
        await table.apply(
          name,
          group.map((each) => module(each, name)),
          { mode: 'full' },
        );
      for (const name of group) {
        const items = await table.items(name);
        expect(items.map((each) => each.name).sort()).toEqual([...group].sort());
        expect(new Set(items.map((each) => each.version))).toEqual(new Set([name]));
        const again = await table.apply(
          name,
          group.map((each) => module(each, name)),
          { mode: 'full' },
        );
        expect(again.unchanged).toHaveLength(group.length);
      }
    });

    it('rows can be read by the host: group, key, version, item', async () => {
      await open().apply('site', [module('a', '1.0', { enabled: false })], { mode: 'full' });
      const rows = await db
        .selectFrom('headwater_snapshots')
        .select(['groupid', 'itemkey', 'revision', 'version', 'data'])
        .execute();
      const data = JSON.stringify(module('a', '1.0', { enabled: false }));
      const [row, ...others] = rows.map((each) => ({ ...each, revision: Number(each.revision) }));
      expect(row).toEqual({ groupid: 'site', itemkey: 'a', revision: 1, version: '1.0 false', data });
      expect(others).toEqual([]);
    });

    it('with history every version is kept, and that an item was removed', async () => {
      const table = new KyselySnapshotTable(db, { key, version, history: true });
      await table.apply('site', [module('a'), module('b')], { mode: 'full' });
      await table.apply('site', [module('a'), module('b')], { mode: 'full' });
      await table.apply('site', [module('b', '2.0')], { mode: 'full' });
      for (let more = 3; more <= 10; more += 1)
        await table.apply('site', [module('b', `${more}`)], { mode: 'partial' });
      await table.apply('other', [module('a')], { mode: 'full' });
      const rows = await db
        .selectFrom('headwater_snapshots_history')
        .select(['groupid', 'revision', 'itemkey', 'version', 'data'])
        .orderBy('groupid')
        .orderBy('revision')
        .orderBy('itemkey')
        .execute();
      expect(rows.map((row) => [row.groupid, Number(row.revision), row.itemkey, row.version])).toEqual([
        ['other', 1, 'a', '1.0 true'],
        ['site', 1, 'a', '1.0 true'],
        ['site', 1, 'b', '1.0 true'],
        ['site', 2, 'a', null],
        ['site', 2, 'b', '2.0 true'],
        ...[3, 4, 5, 6, 7, 8, 9, 10].map((more) => ['site', more, 'b', `${more} true`]),
      ]);
      expect(rows[3]?.data).toBeNull();
      expect(rows[4]?.data).toBe(JSON.stringify(module('b', '2.0')));
    });

    it('many and large items take as many statements as they need', async () => {
      const table = open();
      const many = Array.from({ length: 5_000 }, (_, index) => module(`module ${index}`));
      expect((await table.apply('site', many, { mode: 'full' })).created).toHaveLength(5_000);
      const large = [module('large', '😀'.repeat(600_000)), module('long', 'x'.repeat(1_500_000))];
      const next = await table.apply('site', large, { mode: 'full' });
      expect([next.created.length, next.removed.length]).toEqual([2, 5_000]);
      expect((await table.apply('site', large, { mode: 'full' })).unchanged).toHaveLength(2);
    });

    it('what cannot be stored is refused, and nothing of the snapshot is', async () => {
      const table = open();
      await table.apply('site', [module('a')], { mode: 'full' });
      const refused = async (items: Module[], code: string, group = 'site') =>
        expect(table.apply(group, items, { mode: 'full' })).rejects.toMatchObject({ name: 'SkippableError', code });
      await refused([module('b'), module('b')], 'SNAPSHOT_DUPLICATE');
      await refused([module('b'), module('nul \u0000')], 'SNAPSHOT_TEXT');
      await refused([module('b'), module('half \ud800')], 'SNAPSHOT_TEXT');
      await refused([module('b', 'nul \u0000')], 'SNAPSHOT_TEXT');
      await refused([module('b')], 'SNAPSHOT_TEXT', 'group \u0000');
      await refused([module('b'), { ...module('c'), extra: 1n } as Module], 'NOT_JSON');
      expect(await table.items('site')).toEqual([module('a')]);
      expect((await table.apply('site', [module('a')], { mode: 'full' })).revision).toBe(1);
    });

    it('what is stored in the transaction of the host goes with it', async () => {
      const table = open();
      await table.apply('site', [module('a')], { mode: 'full' });
      const undone = db.transaction().execute(async (transaction) => {
        await table.apply('site', [module('b')], { mode: 'full', transaction });
        expect(await table.items('site', { transaction })).toEqual([module('b')]);
        throw new Error('undone');
      });
      await expect(undone).rejects.toThrow('undone');
      expect(await table.items('site')).toEqual([module('a')]);
    });

    it('makes its tables within the transaction of the host too', async () => {
      await db.transaction().execute((transaction) => open().apply('x', [module('a')], { mode: 'full', transaction }));
      expect(await stored('x')).toEqual(['1.0 true']);
    });

    it('tables of several names do not see each other', async () => {
      const plugins = new KyselySnapshotTable(db, { key, table: 'plugins' });
      await plugins.apply('site', [module('a')], { mode: 'full' });
      expect(await open().items('site')).toEqual([]);
      expect(await plugins.items('site')).toEqual([module('a')]);
    });

    it('snapshots of one group at once follow each other: none is lost or told twice', async () => {
      const random = new Random(Date.now() % 1_000_000);
      await prepareChanges(db);
      const connections = service.isEmbedded === true ? [db] : [db, connect(), connect()];
      const syncs = Array.from({ length: SITES * SYNCS_PER_SITE }, (_, index) => async () => {
        const from = connections[index % connections.length] ?? db;
        const picked = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].filter(() => random.below(3) > 0);
        const items = picked.map((name) => module(name, `${random.below(3)}`));
        await recordedSync(
          from,
          open(from),
          `site ${index % SITES}`,
          items,
          random.below(3) === 0 ? 'partial' : 'full',
        );
      });
      await Promise.all(syncs.map((sync) => sync()));
      for (let site = 0; site < SITES; site += 1)
        expect(await replayed(db, `site ${site}`)).toEqual(await stored(`site ${site}`));
    });

    it('processes that begin at once with the same new group wait for each other', async () => {
      const connections = service.isEmbedded === true ? [db] : [db, connect(), connect(), connect()];
      const outcomes = await Promise.all(
        Array.from({ length: 16 }, (_, index) =>
          open(connections[index % connections.length]).apply('new', [module('a'), module(`own ${index}`)], {
            mode: 'partial',
          }),
        ),
      );
      const created = outcomes.flatMap((outcome) => names(outcome.created));
      expect(created).toHaveLength(17);
      expect(new Set(created).size).toBe(17);
      expect(outcomes.map(({ revision }) => revision).sort((one, other) => one - other)).toEqual(
        Array.from({ length: 16 }, (_, index) => index + 1),
      );
    });

    if (service.isEmbedded !== true) staleReads(() => ({ db, connect, open }));
  });
}

/** A transaction that has read before goes on seeing what it saw, on MySQL as it comes and elsewhere when told so. */
function staleReads(
  get: () => {
    db: Kysely<Tables>;
    connect: () => Kysely<Tables>;
    open: (from?: Kysely<Tables>) => KyselySnapshotTable<Tables, Module>;
  },
): void {
  it('what was committed since the transaction first read is not overlooked', async () => {
    const { db, connect, open } = get();
    const other = connect();
    await open().apply('site', [module('a')], { mode: 'full' });
    const attempt = (level: 'read committed' | 'repeatable read', others: string) =>
      db
        .transaction()
        .setIsolationLevel(level)
        .execute(async (transaction) => {
          await transaction.selectFrom('headwater_snapshots').selectAll().execute();
          await open(other).apply('site', [module('a', others)], { mode: 'full' });
          const [updated] = (await open().apply('site', [module('a', 'ours')], { mode: 'full', transaction })).updated;
          return updated?.previousVersion;
        });
    expect(await attempt('read committed', 'theirs 1')).toBe('theirs 1 true');
    // Either it sees what is there, or it says that it cannot, and another try will.
    const outcome = await attempt('repeatable read', 'theirs 2').catch((error: unknown) => error);
    if (outcome !== 'theirs 2 true') expect(outcome).toMatchObject({ name: 'RetryableError', code: 'SQL_BUSY' });
  });
}

async function prepareChanges(db: Kysely<Tables>): Promise<void> {
  await db.schema
    .createTable('changes')
    .addColumn('site', 'varchar(20)')
    .addColumn('revision', 'integer')
    .addColumn('name', 'varchar(20)')
    .addColumn('before', 'varchar(20)')
    .addColumn('after', 'varchar(20)')
    .execute();
}

/** As a host does it: the changes into a table of its own in one transaction, tried again when others are in the way. */
async function recordedSync(
  db: Kysely<Tables>,
  table: KyselySnapshotTable<Tables, Module>,
  site: string,
  items: Module[],
  mode: 'full' | 'partial',
): Promise<void> {
  await table.prepare();
  await db.transaction().execute(async (transaction) => {
    const { created, updated, removed, revision } = await table.apply(site, items, { mode, transaction });
    const rows = [
      ...created.map(({ key: name, item }) => ({ name, before: null, after: version(item) })),
      ...updated.map(({ key: name, item, previousVersion }) => ({
        name,
        before: previousVersion,
        after: version(item),
      })),
      ...removed.map(({ key: name, previousVersion }) => ({ name, before: previousVersion, after: null })),
    ];
    if (rows.length > 0)
      await transaction
        .insertInto('changes')
        .values(rows.map((row) => ({ ...row, site, revision })))
        .execute();
  });
}

/** What all changes amount to, each of which has to fit to what was there before. */
async function replayed(db: Kysely<Tables>, site: string): Promise<string[]> {
  const changes = await db.selectFrom('changes').selectAll().where('site', '=', site).orderBy('revision').execute();
  const state = new Map<string, string>();
  for (const { name, before, after } of changes) {
    expect(state.get(name) ?? null).toBe(before);
    if (after === null) state.delete(name);
    else state.set(name, after);
  }
  return [...state.values()].sort();
}

it('a name that is no plain name is refused', async () => {
  const opened = await databaseServices[0]?.create<Tables>();
  onTestFinished(async () => opened?.drop());
  const database = opened?.database as Kysely<Tables>;
  expect(() => new KyselySnapshotTable(database, { key, tablePrefix: 'x; --' })).toThrow(/plain name/);
});
