import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DecodeError, FatalError } from '../../src/core/errors.js';
import { type DeadLetter, type DeadLetterStore, toDeadLetter } from '../../src/pipeline/dead-letters/dead-letter.js';
import { JsonlDeadLetterStore } from '../../src/sinks/jsonl/jsonl-dead-letter-store.js';
import { onFaultPoint, scratchDirectory } from '../cursors/scratch.js';

describe('JsonlDeadLetterStore', () => {
  it('keeps letters and removals over a restart, for its owner only', async () => {
    const path = scratchFile();
    const first = new JsonlDeadLetterStore(path);
    await first.add([letter('1'), letter('2')]);
    await first.remove([letter('1')]);
    await first.close();
    await first.close();
    expect(await listed(new JsonlDeadLetterStore(path))).toEqual([letter('2')]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('leaves out a torn last line, and cuts it off before the next letter', async () => {
    const path = scratchFile();
    const store = new JsonlDeadLetterStore(path);
    await store.add([letter('1')]);
    await store.close();
    appendFileSync(path, JSON.stringify(letter('2')).slice(0, 30));
    const again = new JsonlDeadLetterStore(path);
    expect(await listed(again)).toEqual([letter('1')]);
    await again.add([letter('3')]);
    expect(await listed(again)).toEqual([letter('1'), letter('3')]);
  });

  it('two stores on one file see and remove each other’s letters', async () => {
    const path = scratchFile();
    const [one, two] = [new JsonlDeadLetterStore(path), new JsonlDeadLetterStore(path)];
    await one.add([letter('1')]);
    await two.add([letter('2')]);
    await one.remove([letter('2')]);
    await one.add([letter('3')]);
    expect(await listed(two)).toEqual([letter('1'), letter('3')]);
  });

  it.each(['not json', 'null'])('a line that was damaged is named: %s', async (damaged) => {
    const path = scratchFile();
    writeFileSync(path, `${JSON.stringify(letter('1'))}\n${damaged}\n`);
    const error = await listed(new JsonlDeadLetterStore(path)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DecodeError);
    expect(error).toMatchObject({ at: { file: path, line: 2 } });
  });

  it('a full disk is an error, and none of the letters is kept', async () => {
    const path = scratchFile();
    const store = new JsonlDeadLetterStore(path);
    await store.add([letter('1')]);
    const before = readFileSync(path, 'utf8');
    onFaultPoint((name) => {
      if (name === 'append-file.fsync.before') throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    });
    await expect(store.add([letter('2')])).rejects.toMatchObject({ name: 'SinkError', code: 'SINK_DISK_FULL' });
    expect(readFileSync(path, 'utf8')).toBe(before);
  });
});

describe('toDeadLetter', () => {
  const { event } = letter('1');

  it('keeps name, code and message of the error, and no more', () => {
    const error = Object.assign(new FatalError('no such column', { code: 'SCHEMA' }), { response: { body: 'secret' } });
    expect(toDeadLetter({ event, error, attempts: 4 }, '2026-01-01T00:00:00Z')).toEqual({
      sourceId: 'a',
      event,
      error: { name: 'FatalError', code: 'SCHEMA', message: 'no such column' },
      attempts: 4,
      at: '2026-01-01T00:00:00Z',
    });
  });

  it('X7: takes credentials out of messages, and takes whatever was thrown', () => {
    const errors = [new Error('postgres://u:planted@host/db refused'), 'token=planted', undefined];
    const letters = errors.map((error) => toDeadLetter({ event, error, attempts: 1 }, 'now'));
    expect(JSON.stringify(letters)).not.toContain('planted');
    expect(letters.map(({ error }) => error.name)).toEqual(['Error', 'string', 'undefined']);
  });
});

function letter(id: string, sourceId = 'a', at = '2026-01-01T00:00:00Z'): DeadLetter {
  const event = {
    specversion: '1.0',
    id,
    source: '/test/a',
    type: 'x',
    sourceid: sourceId,
    sourcetype: 't',
    data: { id },
  } as const;
  return { sourceId, event, error: { name: 'Error', code: 'X', message: 'no' }, attempts: 3, at };
}

async function listed(store: DeadLetterStore, sourceId?: string): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  for await (const one of store.list(sourceId)) letters.push(one);
  return letters;
}

function scratchFile(): string {
  return join(scratchDirectory(), 'dead-letters.jsonl');
}
