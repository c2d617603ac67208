import { appendFileSync, existsSync, readFileSync, renameSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SinkError, SkippableError } from '../../src/core/errors.js';
import { JsonlSink } from '../../src/sinks/jsonl/index.js';
import { RecordingLogger } from '../../src/testing/recording-logger.js';
import type { Repair } from '../../src/toolkit/append-file.js';
import { onFaultPoint, scratchDirectory } from '../cursors/scratch.js';
import { Program } from '../support/program.js';

describe('JsonlSink', () => {
  it('appends one line of JSON per event, in order, over batches and restarts', async () => {
    const path = scratchFile();
    const events = [{ id: '1', text: 'a\nb\u2028' }, { id: '2' }, { id: '3' }];
    const first = new JsonlSink(path);
    await first.write({ events: events.slice(0, 2) });
    await first.write({ events: [] });
    await first.close();
    const second = new JsonlSink(path);
    await second.write({ events: events.slice(2) });
    await second.close();
    expect(linesOf(path)).toEqual(events);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('opens the file with the first batch, and closes it as often as asked', async () => {
    const path = scratchFile();
    const sink = new JsonlSink(path);
    await sink.close();
    await sink.close();
    expect(existsSync(path)).toBe(false);
    await expect(sink.write({ events: [1] })).rejects.toMatchObject({ name: 'SinkError', code: 'SINK_CLOSED' });
  });

  it('keeps batches that overlap whole, and close waits for them', async () => {
    const path = scratchFile();
    const sink = new JsonlSink(path);
    const batches = Array.from({ length: 20 }, (_, batch) => Array.from({ length: 50 }, (_, index) => [batch, index]));
    void Promise.all(batches.map((events) => sink.write({ events })));
    await sink.close();
    expect(linesOf(path)).toEqual(batches.flat());
  });

  it('cuts off a torn last line, wherever a crash tore it, and says what it cut', async () => {
    const path = scratchFile();
    const whole = '{"id":"1"}\n{"id":"2","text":"ä"}\n';
    const torn = Buffer.from('{"id":"3","text":"ä💧"}\n');
    for (let length = 1; length < torn.length; length += 1) {
      writeFileSync(path, Buffer.concat([Buffer.from(whole), torn.subarray(0, length)]));
      const repairs: Repair[] = [];
      const logger = new RecordingLogger();
      const sink = new JsonlSink(path, { onRepair: (repair) => repairs.push(repair), logger });
      await sink.write({ events: [{ id: '3' }] });
      await sink.close();
      expect(readFileSync(path, 'utf8')).toBe(`${whole}{"id":"3"}\n`);
      expect(repairs).toEqual([{ path, offset: Buffer.byteLength(whole), bytes: torn.subarray(0, length) }]);
      expect(logger.lines).toHaveLength(1);
    }
  });

  it('cuts off a file without any whole line, and a torn line longer than what is read at once', async () => {
    const path = scratchFile();
    for (const torn of ['x', 'x'.repeat(200_000)]) {
      for (const whole of ['', '{}\n']) {
        writeFileSync(path, whole + torn);
        const sink = new JsonlSink(path);
        await sink.write({ events: [1] });
        await sink.close();
        expect(readFileSync(path, 'utf8')).toBe(`${whole}1\n`);
      }
    }
  });

  it.each(['write.before', 'write.after', 'fsync.before', 'fsync.after'])(
    'a batch that fails at %s leaves the file as it was, so that a retry repeats nothing',
    async (point) => {
      const path = scratchFile();
      const sink = new JsonlSink(path);
      await sink.write({ events: [1, 2] });
      let isFull = true;
      onFaultPoint((name) => {
        if (isFull && name === `append-file.${point}`) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
      });
      await expect(sink.write({ events: [3, 4] })).rejects.toMatchObject({
        name: 'SinkError',
        code: 'SINK_DISK_FULL',
        message: expect.stringMatching(/events\.jsonl.*ENOSPC.*make room/),
      });
      expect(linesOf(path)).toEqual([1, 2]);
      isFull = false;
      await sink.write({ events: [3, 4] });
      await sink.close();
      expect(linesOf(path)).toEqual([1, 2, 3, 4]);
    },
  );

  it('a batch of which only a part was written is cut off again', async () => {
    const path = scratchFile();
    const sink = new JsonlSink(path);
    await sink.write({ events: [1] });
    onFaultPoint((name) => {
      if (name !== 'append-file.write.before' || linesOf(path).length > 1) return;
      appendFileSync(path, '2\n3\n{"to');
      throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    });
    await expect(sink.write({ events: [2, 3, { torn: true }] })).rejects.toBeInstanceOf(SinkError);
    expect(readFileSync(path, 'utf8')).toBe('1\n');
    await sink.close();
  });

  it.runIf(existsSync('/dev/full'))('a device that is really full is an error, and nothing hangs', async () => {
    const sink = new JsonlSink('/dev/full');
    await expect(sink.write({ events: [1] })).rejects.toMatchObject({ code: 'SINK_DISK_FULL' });
    await sink.close();
  });

  it('a missing directory is an error that says what to do', async () => {
    const sink = new JsonlSink(join(scratchDirectory(), 'missing', 'events.jsonl'));
    await expect(sink.write({ events: [1] })).rejects.toThrow(/ENOENT.*the directory is missing: create it/);
  });

  it('a file that was rotated or deleted is opened anew: nothing goes into a file without a name', async () => {
    const path = scratchFile();
    const sink = new JsonlSink(path);
    await sink.write({ events: [1] });
    renameSync(path, `${path}.1`);
    await sink.write({ events: [2] });
    truncateSync(path);
    await sink.write({ events: [3] });
    await sink.close();
    expect([linesOf(`${path}.1`), linesOf(path)]).toEqual([[1], [3]]);
  });

  it.each([
    ['undefined', undefined],
    ['a bigint', { id: 1n }],
    ['a circle', circle()],
  ])('an event without a JSON form fails the batch as the fault of that event: %s', async (_, event) => {
    const path = scratchFile();
    const sink = new JsonlSink(path);
    const write = sink.write({ events: [1, event] });
    await expect(write).rejects.toBeInstanceOf(SkippableError);
    await expect(write).rejects.toMatchObject({ code: 'NOT_JSON' });
    await sink.write({ events: [2] });
    await sink.close();
    expect(linesOf(path)).toEqual([2]);
  });

  it('writes nothing once the run was given up', async () => {
    const path = scratchFile();
    const reason = new Error('enough');
    const write = new JsonlSink(path).write({ events: [1], signal: AbortSignal.abort(reason) });
    await expect(write).rejects.toBe(reason);
    expect(existsSync(path)).toBe(false);
  });

  it('any JSON comes back as it went in', async () => {
    const property = fc.asyncProperty(fc.array(fc.jsonValue(), { maxLength: 20 }), async (events) => {
      const path = scratchFile();
      const sink = new JsonlSink(path);
      await sink.write({ events });
      await sink.close();
      expect(events.length === 0 ? [] : linesOf(path)).toEqual(JSON.parse(JSON.stringify(events)));
    });
    await fc.assert(property, { numRuns: 20 });
  });

  it('killed at every step, the file has every batch that was accepted, and no half line after the next start', async () => {
    const program = await Program.build(new URL('../cursors/programs/killed-appending.ts', import.meta.url));
    try {
      for (let point = 0; point < 12; point += 1) {
        const path = scratchFile();
        const { signal, lines } = await program.run(path, point);
        expect(signal).toBe('SIGKILL');
        const sink = new JsonlSink(path);
        await sink.write({ events: ['after'] });
        await sink.close();
        const found = linesOf(path).slice(0, -1);
        const batches = [lines.length, lines.length + 1].map((count) =>
          Array.from({ length: 3 * count }, (_, index) => index),
        );
        expect(batches).toContainEqual(found);
      }
    } finally {
      program.dispose();
    }
  });
});

function scratchFile(): string {
  return join(scratchDirectory(), 'events.jsonl');
}

function linesOf(path: string): unknown[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  expect(lines.pop()).toBe('');
  return lines.map((line) => JSON.parse(line) as unknown);
}

function circle(): object {
  const event: { self?: object } = {};
  event.self = event;
  return event;
}
