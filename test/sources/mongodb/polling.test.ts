import type { MongodbConfigInput, MongodbCursor, MongodbEvent, MongodbSource } from 'headwater/sources/mongodb';
import { FakeClock } from 'headwater/testing';
import { Binary, Decimal128, Long, MongoClient, ObjectId, Timestamp, UUID } from 'mongodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hasJongodb, Jongodb } from '../../services/jongodb.js';
import { describeWith } from '../../services/needs.js';
import { createSource, readAll, told } from './support.js';

type Polling = Extract<MongodbConfigInput, { mode: 'polling' }>;

const START = Date.UTC(2026, 0, 1);

describeWith('jongodb', await hasJongodb(), 'polling', () => {
  let server: Jongodb;
  let client: MongoClient;
  let collections = 0;

  beforeAll(async () => {
    server = await Jongodb.start();
    client = new MongoClient(server.url);
  });
  afterAll(async () => {
    await client?.close();
    await server?.stop();
  });

  const newCollection = () => {
    collections += 1;
    return client.db('shop').collection<Record<string, unknown>>(`orders${collections}`);
  };
  type Collection = ReturnType<typeof newCollection>;
  const sourceOf = (
    { collectionName: collection }: Collection,
    config: Partial<Polling> = {},
    cursor?: MongodbCursor,
  ): Promise<MongodbSource> =>
    createSource({ mode: 'polling', client, database: 'shop', collection, ...config }, cursor && { cursor });
  const documents = (events: readonly MongodbEvent[]) =>
    events.map(({ data }) => ('document' in data ? data.document : undefined));

  it('brings every document once, in the order of the cursor field, and what changes again', async () => {
    const orders = newCollection();
    await orders.insertMany(
      [3, 1, 2].map((n) => ({ _id: n as never, at: new Date(START + n), made: new Date(START + n) })),
    );
    const source = await sourceOf(orders, { cursorField: 'at', createdField: 'made' });
    expect(told(await readAll(source))).toEqual(['inserted 1', 'inserted 2', 'inserted 3']);
    expect(await readAll(source)).toEqual([]);
    await orders.updateOne({ _id: 2 as never }, { $set: { at: new Date(START + 10) } });
    const events = await readAll(source);
    expect(told(events)).toEqual(['updated 2']);
    expect(events[0]).toMatchObject({
      id: `${orders.collectionName}:2@2026-01-01T00:00:00.010Z`,
      time: '2026-01-01T00:00:00.010Z',
    });
  });

  it('DB2: 3000 documents of one time, in pages of 100, broken off anywhere: each once', async () => {
    const orders = newCollection();
    await orders.createIndex({ at: 1, _id: 1 });
    await orders.insertMany(Array.from({ length: 3_000 }, (_, n) => ({ _id: n as never, at: new Date(START) })));
    const seen: string[] = [];
    let cursor: MongodbCursor | undefined;
    for (let turn = 1; seen.length < 3_000 && turn < 100; turn += 1) {
      const source = await sourceOf(orders, { cursorField: 'at', pageSize: 100 }, cursor);
      for await (const event of source.generateEvents({ limit: 37 * turn })) seen.push(event.subject ?? '');
      cursor = source.getCursor() as MongodbCursor;
      await source.close();
    }
    expect(seen).toEqual(Array.from({ length: 3_000 }, (_, n) => `${n}`));
  });

  it('DB3: positions keep every digit: 64 bits, decimals, milliseconds', async () => {
    const values = [
      ['9007199254740992', '9007199254740993', '9223372036854775807'].map((text) => Long.fromString(text)),
      ['0.1', '0.2', '9E+30'].map((text) => Decimal128.fromString(text)),
      [1.1, 1.1000000000000003, Number.MAX_VALUE],
      ['a', 'a\u0000', 'ab'],
    ];
    for (const three of values) {
      const orders = newCollection();
      await orders.insertMany(three.map((value, n) => ({ _id: n as never, value })));
      let cursor: MongodbCursor | undefined;
      const seen: string[] = [];
      for (let turn = 0; turn < 3; turn += 1) {
        const source = await sourceOf(orders, { cursorField: 'value', lagMs: 0 }, cursor);
        for await (const event of source.generateEvents({ limit: 1 })) seen.push(event.subject ?? '');
        cursor = JSON.parse(JSON.stringify(source.getCursor())) as MongodbCursor;
      }
      expect([String(three[0]), ...seen]).toEqual([String(three[0]), '0', '1', '2']);
    }
  });

  it('DB4: what has no cursor value is refused, or left out where that was said', async () => {
    const orders = newCollection();
    await orders.insertMany([
      { _id: 1 as never, at: new Date(START) },
      { _id: 2 as never },
      { _id: 3 as never, at: null },
    ]);
    await expect(readAll(await sourceOf(orders, { cursorField: 'at' }))).rejects.toMatchObject({
      code: 'MONGODB_NULL',
    });
    const source = await sourceOf(orders, { cursorField: 'at', missing: 'skip' });
    expect(told(await readAll(source))).toEqual(['updated 1']);
  });

  it('values that are not compared with each other are refused, and none is passed over', async () => {
    for (const other of ['2026-01-01', 7, { at: new Date(START) }]) {
      const orders = newCollection();
      await orders.insertMany([
        { _id: 1 as never, at: new Date(START) },
        { _id: 2 as never, at: other },
      ]);
      const source = await sourceOf(orders, { cursorField: 'at' });
      await expect(readAll(source)).rejects.toMatchObject({ code: 'MONGODB_MIXED_TYPES' });
      expect(await source.validate()).toMatchObject({ ok: false, problems: [{ code: 'MONGODB_MIXED_TYPES' }] });
    }
    const keys = newCollection();
    await keys.insertMany([{ _id: 1 as never }, { _id: 'one' as never }]);
    await expect(readAll(await sourceOf(keys, { lagMs: 0 }))).rejects.toMatchObject({ code: 'MONGODB_MIXED_TYPES' });
  });

  it('DB1: documents are read when they are old enough for what is written late', async () => {
    const orders = newCollection();
    const clock = new FakeClock(START + 5_000);
    const source = await createSource(
      { mode: 'polling', client, database: 'shop', collection: orders.collectionName, cursorField: 'at', lagMs: 5_000 },
      { clock },
    );
    await orders.insertOne({ _id: 2 as never, at: new Date(START + 2_000) });
    expect(await readAll(source)).toEqual([]);
    // Made before, and written after the other one could be seen.
    await orders.insertOne({ _id: 1 as never, at: new Date(START + 1_000) });
    await clock.advance(3_000);
    expect(told(await readAll(source))).toEqual(['updated 1', 'updated 2']);
  });

  it('DB1: what has no age has to be declared to grow', async () => {
    const orders = newCollection();
    await orders.insertOne({ _id: 1 as never });
    const source = await sourceOf(orders);
    await expect(readAll(source)).rejects.toMatchObject({ code: 'MONGODB_LATE_WRITES' });
    const declared = await sourceOf(orders, { lagMs: 0 });
    expect(told(await readAll(declared))).toEqual(['inserted 1']);
    expect(await declared.validate()).toMatchObject({ ok: true, problems: [{ code: 'MONGODB_LATE_WRITES' }] });
  });

  it('values stand in events as JSON has them, or as text of every digit', async () => {
    const orders = newCollection();
    const id = new ObjectId('507f1f77bcf86cd799439011');
    await orders.insertOne({
      _id: id as never,
      big: Long.fromString('9007199254740993'),
      decimal: Decimal128.fromString('1.10'),
      none: Number.NaN,
      bytes: new Binary(Buffer.from([1, 2, 255])),
      uuid: new UUID('00112233-4455-6677-8899-aabbccddeeff'),
      stamp: new Timestamp({ t: 4_000_000_000, i: 2 }),
      date: new Date(START),
      nested: { list: [1, null, { deep: true }] },
    });
    const [document] = documents(await readAll(await sourceOf(orders)));
    expect(document).toEqual({
      _id: '507f1f77bcf86cd799439011',
      big: '9007199254740993',
      decimal: '1.10',
      none: 'NaN',
      bytes: { data_base64: 'AQL/' },
      uuid: '00112233-4455-6677-8899-aabbccddeeff',
      stamp: { t: 4_000_000_000, i: 2 },
      date: '2026-01-01T00:00:00.000Z',
      nested: { list: [1, null, { deep: true }] },
    });
  });

  it('a filter leaves out, and the position goes on all the same', async () => {
    const orders = newCollection();
    await orders.insertMany(
      Array.from({ length: 20 }, (_, n) => ({ _id: n as never, at: new Date(START + n), even: n % 2 === 0 })),
    );
    const source = await sourceOf(orders, { cursorField: 'at', filter: { even: true }, pageSize: 3 });
    expect((await readAll(source)).map(({ subject }) => Number(subject))).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
    expect(await readAll(source)).toEqual([]);
  });

  it('an index that would help is named, and one that is there is found', async () => {
    const orders = newCollection();
    await orders.insertOne({ _id: 1 as never, at: new Date(START) });
    const source = await sourceOf(orders, { cursorField: 'at' });
    const { problems } = await source.validate();
    expect(problems).toMatchObject([
      { severity: 'warning', code: 'MONGODB_INDEX', fix: expect.stringContaining('createIndex({ "at": 1, _id: 1 })') },
    ]);
    await orders.createIndex({ at: 1, _id: 1 });
    expect(await source.validate()).toEqual({ ok: true, problems: [] });
  });

  it('a collection that is not there yet is read when it is', async () => {
    const orders = newCollection();
    const source = await sourceOf(orders, { lagMs: 0 });
    expect(await readAll(source)).toEqual([]);
    expect(await source.validate()).toMatchObject({ ok: true, problems: [{ code: 'MONGODB_EMPTY' }] });
    await orders.insertOne({ _id: 1 as never });
    expect(told(await readAll(source))).toEqual(['inserted 1']);
  });

  it('a position in another field is refused', async () => {
    const orders = newCollection();
    await orders.insertOne({ _id: 1 as never, at: new Date(START) });
    const source = await sourceOf(orders, { lagMs: 0 });
    await readAll(source);
    const other = await sourceOf(orders, { cursorField: 'at' }, source.getCursor() as MongodbCursor);
    await expect(readAll(other)).rejects.toMatchObject({ code: 'MONGODB_FIELD_CHANGED' });
  });

  it('a database that is away is told as such', async () => {
    const gone = 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50';
    const source = await createSource({ mode: 'polling', client: gone, database: 'shop', collection: 'orders' });
    expect(await source.validate()).toMatchObject({ ok: false, problems: [{ code: 'MONGODB_CONNECTION' }] });
  });
});

it('what is wrong with a configuration is said, all at once, without the password', async () => {
  const config = {
    mode: 'polling',
    client: 'mongodb://me:planted@h',
    database: 'd',
    collection: 'c',
    filter: { $where: 'true' },
    pagesize: 3,
  };
  const error = (await createSource(config as never).catch((reason: unknown) => reason)) as Error;
  expect(error.message).toMatch(/credentials/);
  expect(error.message).toMatch(/\$where/);
  expect(error.message).toMatch(/pageSize/);
  expect(error.message).not.toMatch(/planted/);
  const both = { mode: 'changes', database: 'd', collection: 'c', filter: { $expr: {} } };
  await expect(createSource(both as never)).rejects.toThrow(/conditions on fields/);
  const nowhere = await createSource({ mode: 'changes', database: 'd', collection: 'c' });
  await expect(readAll(nowhere)).rejects.toMatchObject({ code: 'MONGODB_ADDRESS' });
});
