import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jsonlSink } from './built.js';
import { type Numbered, page } from './events.js';
import { type Bench, paired } from './measure.js';

const BATCHES = 200;
const IN_BATCH = 500;
const batch: readonly Numbered[] = page.slice(0, IN_BATCH);

/** Events into a JSONL file, every batch on the disk before the next, beside the same system calls without the sink. */
export const jsonl: Bench = {
  name: 'jsonl',
  async *rows() {
    const { JsonlSink } = await jsonlSink();
    const path = join(tmpdir(), `headwater-bench-${process.pid}.jsonl`);
    const ours = async (): Promise<void> => {
      await rm(path, { force: true });
      const sink = new JsonlSink(path);
      for (let index = 0; index < BATCHES; index += 1) await sink.write({ events: batch });
      await sink.close();
    };
    const rival = async (): Promise<void> => {
      await rm(path, { force: true });
      const file = await open(path, 'a', 0o600);
      for (let index = 0; index < BATCHES; index += 1) {
        await file.write(batch.map((event) => `${JSON.stringify(event)}\n`).join(''));
        await file.sync();
      }
      await file.close();
    };
    yield await paired({
      bench: 'jsonl',
      row: `${BATCHES} batches of ${IN_BATCH}, fsync each`,
      goal: 1.25,
      ours,
      rival,
    });
    await rm(path, { force: true });
  },
};
