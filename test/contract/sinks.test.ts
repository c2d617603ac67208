import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SourceEvent } from 'headwater';
import { CallbackSink } from 'headwater/sinks/callback';
import { JsonlSink } from 'headwater/sinks/jsonl';
import { type EventsTable, KyselySink } from 'headwater/sinks/kysely';
import { MemorySink } from 'headwater/sinks/memory';
import { type SinkHarness, testSink } from 'headwater/testing';
import { describe } from 'vitest';
import { databaseServices } from '../services/databases.js';
import { describeWith } from '../services/needs.js';
import { runCases } from './run-cases.js';

describe('the contract of sinks, memory', () => {
  const create = async () => {
    const sink = new MemorySink<SourceEvent>();
    return { sink, stored: async () => sink.events };
  };
  runCases(testSink({ promises: ['order'], create }));
});

describe('the contract of sinks, callback', () => {
  const create = async () => {
    const events: SourceEvent[] = [];
    const sink = new CallbackSink<{ readonly events: readonly SourceEvent[] }>(
      async (batch) => void events.push(...batch.events),
    );
    return { sink, stored: async () => events };
  };
  runCases(testSink({ promises: ['order'], create }));
});

describe('the contract of sinks, JSONL', () => {
  const create = async () => {
    const directory = mkdtempSync(join(tmpdir(), 'headwater-sinks-'));
    const path = join(directory, 'events.jsonl');
    const sink = new JsonlSink<SourceEvent>(path);
    const lines = (): string[] => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []);
    return {
      sink,
      stored: async () => lines().map((line) => JSON.parse(line) as SourceEvent),
      async close() {
        await sink.close();
        rmSync(directory, { recursive: true, force: true });
      },
    };
  };
  runCases(testSink({ promises: ['order', 'atomic', 'abortable', 'closes'], create }));
});

for (const service of databaseServices) {
  describeWith(service.name, await service.isThere(), `the contract of sinks, ${service.name}`, () => {
    const create: SinkHarness['create'] = async () => {
      const { database, drop } = await service.create<{ headwater_events: EventsTable }>();
      const sink = new KyselySink(database);
      await sink.prepare();
      return {
        sink: sink as never,
        stored: async () => (await database.selectFrom('headwater_events').selectAll().execute()).map(toEvent),
        close: drop,
      };
    };
    runCases(testSink({ promises: ['atomic', 'unique', 'transactions', 'abortable', 'closes'], create }));
  });
}

function toEvent(row: EventsTable): SourceEvent {
  const { data, sourceid, source, id, type, sourcetype } = row;
  const event = {
    specversion: '1.0' as const,
    id,
    source,
    type,
    sourceid,
    sourcetype,
    data: JSON.parse(data) as unknown,
  };
  const optional = Object.entries({
    time: row.time,
    subject: row.subject,
    datacontenttype: row.datacontenttype,
    dataschema: row.dataschema,
  });
  return Object.assign(event, Object.fromEntries(optional.filter(([, value]) => value !== null)));
}
