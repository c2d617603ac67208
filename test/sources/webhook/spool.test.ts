import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { EventSourceFactory, MemoryCursorStore } from 'headwater';
import { type WebhookRequest, WebhookSource } from 'headwater/sources/webhook';
import { FakeClock, RecordingLogger } from 'headwater/testing';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { afterTurns, eventually, turns } from '../../support/observing.js';
import { RawClient } from './raw-client.js';
import {
  consume,
  createSource,
  deliver,
  delivery,
  GITHUB,
  request,
  SECRET,
  startSource,
  takeEvents,
  temporaryDirectory,
} from './receiving.js';

describe('with a spool', () => {
  it('WH6: answers 202 when it is on disk, also where nobody consumes; the next process brings it', async () => {
    const dir = temporaryDirectory();
    const first = await startSource({ spool: { dir } });
    expect(await deliver(first.port, 'one')).toBe(202);
    expect(await deliver(first.port, 'one')).toBe(200);
    expect(await deliver(first.port, 'two')).toBe(202);
    await first.source.close();
    const second = await startSource({ spool: { dir } });
    expect(await deliver(second.port, 'two')).toBe(200);
    const events = await takeEvents(second.source, 2);
    expect(events.map(({ id }) => id)).toEqual(['one', 'two']);
    expect(events[0]).toMatchObject({ type: 'github.push', source: '/webhook/test/hooks', data: { id: 'one' } });
    await second.source.close();
    const third = await startSource({ spool: { dir } });
    expect(await deliver(third.port, 'two')).toBe(200);
    expect(await deliver(third.port, 'three')).toBe(202);
    expect((await takeEvents(third.source, 1)).map(({ id }) => id)).toEqual(['three']);
  });

  it('what is read from the disk is the same to the letter as what was not', async () => {
    const [live, later] = [temporaryDirectory(), temporaryDirectory()];
    const body = '{"__proto__":{"a":1},"b":"é\\u0000","c":1e30,"d":[],"action":"created"}';
    const consumed = await startSource({ spool: { dir: live } });
    const events = takeEvents(consumed.source, 1);
    expect(await deliver(consumed.port, 'one', { body })).toBe(202);
    const kept = await startSource({ spool: { dir: later } });
    expect(await deliver(kept.port, 'one', { body })).toBe(202);
    await kept.source.close();
    const again = await createSource({ spool: { dir: later }, server: undefined });
    expect(JSON.stringify(await takeEvents(again, 1))).toBe(JSON.stringify(await events));
  });

  it('AG4: what was not acknowledged comes again, in this process and in the next', async () => {
    const dir = temporaryDirectory();
    const { source, port } = await startSource({ spool: { dir } });
    for (const id of ['one', 'two', 'three']) expect(await deliver(port, id)).toBe(202);
    const first: string[] = [];
    for await (const { id } of source.generateEvents()) {
      first.push(id);
      if (id === 'two') break;
    }
    expect((await takeEvents(source, 1)).map(({ id }) => id)).toEqual(['two']);
    expect(source.getCursor()).toMatchObject({ sequence: 2 });
    await source.close();
    const next = await createSource({ spool: { dir }, server: undefined });
    expect((await takeEvents(next, 1)).map(({ id }) => id)).toEqual(['three']);
  });

  it('the cursor is the place in the spool: what was acknowledged beyond what was saved comes again', async () => {
    const dir = temporaryDirectory();
    const cursorStore = new MemoryCursorStore();
    const factory = new EventSourceFactory({ sources: { webhook: WebhookSource }, cursorStore, autosave: false });
    const config = { endpoints: GITHUB, spool: { dir } };
    const create = () => factory.create('webhook', { id: 'test', credentials: { hooks: SECRET }, config });
    const first = await create();
    for (const id of ['one', 'two', 'three']) await first.fetch(asRequest(id));
    expect((await takeEvents(first, 1)).map(({ id }) => id)).toEqual(['one']);
    await factory.saveCursor(first);
    expect((await takeEvents(first, 1)).map(({ id }) => id)).toEqual(['two']);
    await first.close();
    const second = await create();
    const ids: string[] = [];
    // GitHub sends once: that nobody listened in between is told first.
    for await (const { id, type } of second.generateEvents({ limit: 3 }))
      ids.push(type === 'headwater.gap' ? type : id);
    expect(ids).toEqual(['headwater.gap', 'two', 'three']);
    await second.close();
  });

  it('a cursor of another spool is told by a gap, and what there is comes', async () => {
    const [one, two] = [temporaryDirectory(), temporaryDirectory()];
    const first = await createSource({ spool: { dir: one }, server: undefined });
    await first.fetch(asRequest('one'));
    await takeEvents(first, 1);
    const cursor = first.getCursor();
    expect(cursor).toMatchObject({ sequence: 1 });
    const endpoints = {
      hooks: { provider: 'generic', auth: { scheme: 'none' }, id: { header: 'x-github-delivery' } },
    } as const;
    const options = { cursor: cursor ?? { listened: '' }, credentials: 'anonymous' as const };
    const second = await createSource({ spool: { dir: two }, server: undefined, endpoints }, options);
    await second.fetch(asRequest('two'));
    const events = await takeEvents(second, 2);
    expect(events[0]).toMatchObject({ type: 'headwater.gap', data: { reason: 'cursor-expired' } });
    expect(events[1]?.id).toBe('two');
  });

  it('WH7: a spool that is full answers 503, and takes again when the consumer has caught up', async () => {
    const logger = new RecordingLogger();
    const spool = { dir: temporaryDirectory(), maxBytes: 20_000, maxSegmentBytes: 4_096 };
    const { source, port } = await startSource({ spool }, { logger });
    const body = JSON.stringify({ text: 'x'.repeat(3_000) });
    const statuses: (number | undefined)[] = [];
    for (let n = 0; n < 10; n += 1) statuses.push(await deliver(port, `${n}`, { body }));
    const taken = statuses.filter((status) => status === 202).length;
    expect(taken).toBeGreaterThan(3);
    expect(statuses.slice(taken)).toEqual(Array(10 - taken).fill(503));
    expect((await request(port, delivery('late', { body })))?.headers['retry-after']).toBe('10');
    expect(logger.lines.some(({ level, message }) => level === 'error' && message?.includes('spooled'))).toBe(true);
    const { ids } = consume(source);
    await eventually(() => ids.length === taken);
    await eventually(() => source.getStats().acknowledged === taken);
    expect(await deliver(port, 'late', { body })).toBe(202);
  });

  it('a delivery may ask to wait for the consumer all the same', async () => {
    const clock = new FakeClock(0);
    const provider = {
      name: 'jobs',
      maxBodyBytes: 1_000,
      deadlineMs: 5_000,
      redeliveryMs: 60_000,
      retries: true,
      verify: () => undefined,
      read: (incoming: WebhookRequest) => {
        const id = incoming.header('x-id') ?? '';
        const answerWhen = id.startsWith('small') ? ('acknowledged' as const) : undefined;
        return { id, answerWhen, events: [{ type: 'job', id, data: {} }] };
      },
    };
    const spool = { dir: temporaryDirectory() };
    const { source, port } = await startSource(
      { spool, endpoints: { jobs: { provider } } },
      { credentials: 'anonymous', clock },
    );
    const send = (id: string) =>
      request(port, `POST /jobs HTTP/1.1\r\nHost: x\r\nX-Id: ${id}\r\nContent-Length: 0\r\n\r\n`);
    expect((await send('large'))?.status).toBe(202);
    const small = send('small');
    await eventually(() => source.getStats().requests === 2);
    await turns();
    const answered = send('small and answered');
    await eventually(() => source.getStats().requests === 3);
    const events = source.generateEvents();
    expect((await events.next()).value?.id).toBe('large');
    expect((await events.next()).value?.id).toBe('small');
    expect(await afterTurns(small)).toBe('pending');
    const { value } = await events.next();
    expect((await small)?.status).toBe(202);
    expect(source.answer(value as never, { status: 200, body: 'done' })).toBe(true);
    expect(await answered).toMatchObject({ status: 200, body: 'done' });
    // Nobody takes the last one in time; it is on the disk, and a duplicate when it comes again.
    const late = send('small and late');
    let isAnswered = false;
    void late.then(() => {
      isAnswered = true;
    });
    // Its time begins when it is on the disk, which may be slow.
    while (!isAnswered) {
      await turns();
      await clock.advance(5_000);
    }
    expect((await late)?.status).toBe(503);
    expect((await events.next()).value?.id).toBe('small and late');
    void events.next();
    await turns();
    expect((await send('small and late'))?.status).toBe(200);
  });

  it('two sources cannot have one spool', async () => {
    const spool = { dir: temporaryDirectory() };
    const { source } = await startSource({ spool });
    const other = await createSource({ spool });
    await expect(other.listen()).rejects.toMatchObject({ code: 'SPOOL_LOCKED' });
    await source.close();
    await expect(other.listen()).resolves.toHaveLength(1);
  });
});

describe('a process that is killed', () => {
  const directory = mkdtempSync(join(tmpdir(), 'headwater-webhook-'));
  const program = join(directory, 'spooling.mjs');
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  beforeAll(async () => {
    const entry = fileURLToPath(new URL('./programs/spooling.ts', import.meta.url));
    const banner =
      "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);";
    await build({
      bundle: true,
      platform: 'node',
      format: 'esm',
      banner: { js: banner },
      entryPoints: [entry],
      outfile: program,
    });
  });

  it('WH6: SIGKILL under load: what got a 2xx is an event afterwards, what is sent again is one', async () => {
    const dir = temporaryDirectory();
    const taken = new Set<string>();
    const seen: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      const child = await start(program, dir, 'consume', (id) => seen.push(id));
      await sendUntilKilled(child, round, taken);
    }
    const last = await start(program, dir, 'consume', (id) => seen.push(id));
    for (const id of taken) expect(await deliver(last.port, id)).toBe(200);
    expect(await deliver(last.port, 'the last')).toBe(202);
    await eventually(() => seen.includes('the last'));
    last.child.kill('SIGKILL');
    expect(taken.size).toBeGreaterThan(20);
    for (const id of taken) expect(seen).toContain(id);
    // Only what was in hand when it was killed may have come twice: one for each time.
    expect(seen.length - new Set(seen).size).toBeLessThanOrEqual(4 * 4);
  });
});

interface Started {
  readonly child: ChildProcess;
  readonly port: number;
}

async function start(program: string, dir: string, mode: string, onEvent: (id: string) => void): Promise<Started> {
  const child = spawn(process.execPath, [program, dir, mode], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout });
  const [first] = (await once(lines, 'line')) as [string];
  lines.on('line', (line) => onEvent(line.replace('event ', '')));
  return { child, port: Number(first.replace('port ', '')) };
}

/** Several connections send as fast as they are answered; the process is killed in the middle of it. */
async function sendUntilKilled({ child, port }: Started, round: number, taken: Set<string>): Promise<void> {
  let answers = 0;
  const exited = once(child, 'close');
  const send = async (connection: number): Promise<void> => {
    const client = await RawClient.connect(port);
    for (let n = 1; ; n += 1) {
      const id = `${round}-${connection}-${n}`;
      client.write(delivery(id));
      const answer = await client.answer(n);
      if (answer === undefined) return;
      if (answer.status === 202) taken.add(id);
      answers += 1;
      if (answers === 20 + round * 17) child.kill('SIGKILL');
    }
  };
  await Promise.all([0, 1, 2, 3].map(send));
  await exited;
}

function asRequest(id: string): Request {
  const [, ...lines] = delivery(id).toString().split('\r\n\r\n')[0]?.split('\r\n') ?? [];
  const headers = Object.fromEntries(lines.map((line) => line.split(': ') as [string, string]));
  return new Request('http://x/hooks', { method: 'POST', headers, body: JSON.stringify({ id }) });
}
