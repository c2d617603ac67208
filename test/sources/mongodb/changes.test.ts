import type { MongodbCursor, MongodbEvent } from 'headwater/sources/mongodb';
import { RecordingLogger } from 'headwater/testing';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/observing.js';
import { changesSource, readAll, startServer, told } from './support.js';

const RESUMABLE = ['ResumableChangeStreamError'];

describe('changes', () => {
  it('are told one by one, in their order, with a token each', async () => {
    const server = await startServer();
    server.insert(0, { what: 'before' });
    const source = await changesSource(server);
    expect(await readAll(source)).toEqual([]);
    server.insert(1, { what: 'one' });
    server.update(1, { what: 'another' });
    server.delete(1);
    const events = await readAll(source);
    expect(told(events)).toEqual(['inserted 1', 'updated 1', 'deleted 1']);
    expect(events.map(({ data }) => data)).toEqual([
      { collection: 'orders', key: 1, document: { _id: 1, what: 'one' } },
      {
        collection: 'orders',
        key: 1,
        document: { _id: 1, what: 'another' },
        changes: { updated: { what: 'another' }, removed: [] },
      },
      { collection: 'orders', key: 1 },
    ]);
    expect(events.map(({ id, time }) => [id, time])).toEqual([
      ['00000002', '2026-01-01T00:00:02.000Z'],
      ['00000003', '2026-01-01T00:00:03.000Z'],
      ['00000004', '2026-01-01T00:00:04.000Z'],
    ]);
    expect(await readAll(source)).toEqual([]);
  });

  it('say which transaction they were part of', async () => {
    const server = await startServer();
    const source = await changesSource(server);
    await readAll(source);
    server.inTransaction([1, 2]);
    const transaction = { session: '00000000-0000-4000-8000-000000000001', number: '7' };
    expect((await readAll(source)).map(({ data }) => data)).toMatchObject([{ transaction }, { transaction }]);
  });

  it('after a break the one in hand comes again, wherever it was', async () => {
    const server = await startServer();
    const source = await changesSource(server, { pageSize: 3 });
    await readAll(source);
    for (let id = 1; id <= 10; id += 1) server.insert(id);
    for (let stop = 1; stop <= 10; stop += 1) {
      const seen: MongodbEvent[] = [];
      for await (const event of source.generateEvents()) {
        seen.push(event);
        break;
      }
      expect(told(seen)).toEqual([`inserted ${stop}`]);
      // Taken, this time.
      for await (const event of source.generateEvents({ limit: 1 })) expect(event.subject).toBe(`${stop}`);
    }
    expect(await readAll(source)).toEqual([]);
  });

  it('DB11: the token of an empty answer is kept: a quiet collection does not fall behind the oplog', async () => {
    const server = await startServer();
    const source = await changesSource(server);
    await readAll(source);
    const first = source.getCursor() as MongodbCursor;
    expect(first).toMatchObject({ mode: 'changes', token: expect.any(String) });
    // Something that the stream says nothing of moves the time of the server on; then what was is forgotten.
    server.insert(1);
    await readAll(source);
    server.forget();
    await readAll(source);
    server.insert(2);
    expect(told(await readAll(source))).toEqual(['inserted 2']);
  });

  it('DB11: behind a drop or a rename it goes on with startAfter', async () => {
    const server = await startServer();
    const source = await changesSource(server);
    await readAll(source);
    server.insert(1);
    server.drop();
    server.insert(2);
    expect(told(await readAll(source))).toEqual(['inserted 1', 'dropped orders', 'inserted 2']);
    server.rename('orders-of-2025');
    expect(await readAll(source)).toMatchObject([
      { type: 'db.collection.renamed', data: { collection: 'orders', to: 'orders-of-2025' } },
    ]);
    const cursor = source.getCursor() as MongodbCursor;
    server.insert(3);
    const other = await changesSource(server, {}, { cursor });
    expect(told(await readAll(other))).toEqual(['inserted 3']);
    const positions = server.pipelines.map(([stage]) => Object.keys(stage?.['$changeStream'] as object));
    expect(positions.filter((names) => names.includes('startAfter')).length).toBeGreaterThan(1);
  });

  it('DB11: a server that is alone is refused with what to do', async () => {
    const server = await startServer();
    server.isAlone = true;
    const source = await changesSource(server);
    await expect(readAll(source)).rejects.toMatchObject({
      code: 'MONGODB_NO_REPLICA_SET',
      message: expect.stringContaining('make it a replica set'),
    });
    expect(await source.validate()).toMatchObject({ ok: false, problems: [{ code: 'MONGODB_NO_REPLICA_SET' }] });
  });

  it('DB8: history that is gone is told by a gap, and it goes on from now', async () => {
    const server = await startServer();
    const source = await changesSource(server, {}, { onGap: 'emit' });
    await readAll(source);
    server.insert(1);
    server.insert(2);
    server.forget();
    const events = await readAll(source);
    expect(told(events)).toEqual(['gap retention']);
    expect(events[0]?.data).toMatchObject({ from: expect.stringContaining('00000000') });
    server.insert(3);
    expect(told(await readAll(source))).toEqual(['inserted 3']);
  });

  it('DB8: history that is gone stops a source that was not told to go on', async () => {
    const server = await startServer();
    const source = await changesSource(server, {}, { onGap: 'throw' });
    await readAll(source);
    server.insert(1);
    server.forget();
    await expect(readAll(source)).rejects.toMatchObject({ name: 'GapError' });
    await expect(readAll(source)).rejects.toMatchObject({ name: 'GapError' });
  });

  it('with a snapshot, history that is gone makes everything be read again, as other events', async () => {
    const server = await startServer();
    server.insert(1);
    const source = await changesSource(server, { snapshot: 'initial' }, { onGap: 'emit' });
    const [first] = await readAll(source);
    server.insert(2);
    server.forget();
    const events = await readAll(source);
    expect(told(events)).toEqual(['gap retention', 'inserted 1', 'inserted 2']);
    expect(events[1]?.id).not.toBe(first?.id);
  });

  it('the snapshot is joined to the stream without a hole: what changes meanwhile comes behind it', async () => {
    const server = await startServer();
    for (let id = 1; id <= 10; id += 1) server.insert(id);
    let cursor: MongodbCursor | undefined;
    const seen: string[] = [];
    // A process for every event, something written between any two.
    for (let next = 11; next < 40; next += 1) {
      const source = await changesSource(server, { snapshot: 'initial', pageSize: 4 }, { cursor });
      for await (const event of source.generateEvents({ limit: 1 })) seen.push(...told([event]));
      cursor = source.getCursor() as MongodbCursor;
      if (next < 20) server.insert(next);
      await source.close();
    }
    const ids = new Set(seen.map((each) => Number(each.split(' ')[1])));
    expect([...ids].sort((one, other) => one - other)).toEqual(Array.from({ length: 19 }, (_, at) => at + 1));
  });

  it('connections that are cut, a primary that steps down, a cursor that is gone: nothing is missed, nothing comes twice', async () => {
    const server = await startServer();
    const source = await changesSource(server, { pageSize: 2 });
    await readAll(source);
    const seen: string[] = [];
    const reading = (async () => {
      for await (const event of source.generateEvents({ follow: true })) seen.push(event.subject ?? '');
    })();
    for (let id = 1; id <= 30; id += 1) {
      if (id % 5 === 1) server.cut();
      if (id % 5 === 2)
        server.fail({ command: 'getMore', error: { code: 11_602, errmsg: 'stepped down', errorLabels: RESUMABLE } });
      if (id % 5 === 3)
        server.fail({ command: 'getMore', error: { code: 43, errmsg: 'cursor not found', errorLabels: RESUMABLE } });
      if (id % 5 === 4) server.fail({ command: 'getMore', cut: true });
      server.insert(id);
      await eventually(() => seen.length >= id);
    }
    expect(seen).toEqual(Array.from({ length: 30 }, (_, at) => `${at + 1}`));
    await source.close();
    await reading;
    await eventually(() => server.connections === 0);
  }, 60_000);

  it('a large event that comes in parts is one', async () => {
    const server = await startServer();
    const source = await changesSource(server, { splitLargeEvents: true, pageSize: 1 });
    await readAll(source);
    server.insert(1, { what: 'large' });
    server.insert(2, { what: 'large too' });
    const events = await readAll(source);
    expect(events.map(({ id, data }) => [id, 'document' in data && data.document])).toEqual([
      ['00000001', { _id: 1, what: 'large' }],
      ['00000002', { _id: 2, what: 'large too' }],
    ]);
    expect(await readAll(source)).toEqual([]);
  });

  it('the filter is asked of the server, about the document, and lets pass what has none', async () => {
    const server = await startServer();
    const filter = { state: 'paid', $or: [{ total: { $gt: 10 } }, { rush: true }] };
    await readAll(await changesSource(server, { filter }));
    expect(server.pipelines[0]?.[1]).toEqual({
      $match: {
        $or: [
          { operationType: { $in: ['delete', 'drop', 'dropDatabase', 'rename', 'invalidate'] } },
          { fullDocument: null },
          { 'fullDocument.state': 'paid', $or: [{ 'fullDocument.total': { $gt: 10 } }, { 'fullDocument.rush': true }] },
        ],
      },
    });
  });

  it('of a whole database, streams do not end with a collection', async () => {
    const server = await startServer();
    const source = await changesSource(server, { collection: undefined });
    await readAll(source);
    server.drop();
    server.insert(1);
    expect(told(await readAll(source))).toEqual(['dropped orders', 'inserted 1']);
  });

  it('a wrong password, and what may not be read, are told as such, without the password', async () => {
    const server = await startServer();
    const logger = new RecordingLogger();
    const credentials = { url: server.urlWith('the-planted-password') };
    const source = await changesSource(server, { client: undefined }, { credentials, logger });
    server.fail({
      command: 'saslStart',
      isForGood: true,
      error: { code: 18, errmsg: 'Authentication failed for the-planted-password' },
    });
    const error = await readAll(source).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'MONGODB_LOGIN', name: 'AuthenticationError' });
    const other = await startServer();
    other.fail({ isForGood: true, error: { code: 13, errmsg: 'not authorized on shop to execute command' } });
    await expect(readAll(await changesSource(other))).rejects.toMatchObject({ code: 'MONGODB_REFUSED' });
  });
});
