import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import type { LogConfigInput } from 'headwater/sources/logs/log';
import { expect, it } from 'vitest';
import { LogDirectory } from './directory.js';

const seed = process.env['LOG_SEED'];

/** Of a run that is killed before it saves anything. */
const EVERYTHING = Number.POSITIVE_INFINITY;

/** Writes, rotates and destroys log files, and knows what a reader must have seen in the end. */
class Writer {
  readonly directory = new LogDirectory().countTimes();
  /** Lines that were written whole, in order, by file. */
  readonly written = new Map<string, string[]>();
  /** Lines that were destroyed before every reader had a chance to see them. */
  readonly destroyed = new Set<string>();
  /** Lines of files that came and went between two looks: nobody could know of them. */
  readonly unseen = new Set<string>();
  /** Names that were there when a run ended that saved what it knew. */
  #known = new Set<string>();
  /** Names of which nothing was left when a run looked: what comes and goes under them before the next, nobody finds. */
  readonly #unknown = new Set<string>();
  readonly #removed = new Set<string>();
  readonly #partial = new Map<string, string>();
  /** What each file on the disk holds, by its name now. */
  readonly #content = new Map<string, string[]>();
  /** Rotated files are named by when it was; else by how many came after them. */
  readonly #isDated: boolean;
  #count = 0;
  #rotations = 0;

  constructor(isDated: boolean) {
    this.#isDated = isDated;
  }

  append(name: string, count: number): void {
    let text = '';
    for (let index = 0; index < count; index += 1) {
      const line = `${this.#partial.get(name) ?? ''}${name} ${this.#count++} ${'é'.repeat(this.#count % 7)}`;
      text += `${line.slice((this.#partial.get(name) ?? '').length)}\n`;
      this.#partial.delete(name);
      this.written.set(name, [...(this.written.get(name) ?? []), line]);
      this.#content.set(name, [...(this.#content.get(name) ?? []), line]);
    }
    this.directory.append(name, text);
  }

  appendPart(name: string): void {
    this.#partial.set(name, `${this.#partial.get(name) ?? ''}part `);
    this.directory.append(name, 'part ');
  }

  rename(name: string): void {
    if (!this.#isThere(name)) return;
    this.#finish(name);
    const rotated = this.#makeWay(name);
    this.directory.rename(name, rotated);
    this.#move(name, rotated);
  }

  copyTruncate(name: string, keepsCopy: boolean): void {
    if (!this.#isThere(name)) return;
    this.#finish(name);
    const copy = keepsCopy ? this.#makeWay(name) : undefined;
    this.directory.copyTruncate(name, copy);
    if (copy !== undefined) this.#move(name, copy);
    else this.#destroy(name);
  }

  compress(name: string): void {
    const plain = this.#rotated(name).filter((file) => !file.endsWith('.gz'));
    const oldest = plain.at(-1);
    if (oldest === undefined) return;
    this.directory.compress(oldest);
    this.#move(oldest, `${oldest}.gz`);
  }

  remove(name: string): void {
    if (!this.#isThere(name)) return;
    this.directory.remove(name);
    this.#removed.add(name);
    this.#partial.delete(name);
    this.#destroy(name);
  }

  removeOldest(name: string): void {
    const oldest = this.#rotated(name).at(-1);
    if (oldest === undefined) return;
    this.directory.remove(oldest);
    this.#destroy(oldest);
  }

  /** A run looked at everything and saved that; one that is not complete, what it found to be gone. */
  noteLook(isComplete: boolean): void {
    for (const name of ['app.log', 'other.log']) {
      if (!this.#isThere(name) && this.#removed.has(name)) this.#unknown.add(name);
      else if (isComplete) this.#unknown.delete(name);
    }
    if (!isComplete) return;
    this.#known = new Set(this.#content.keys());
    this.#removed.clear();
  }

  /** A line that was begun is never finished where its file is rotated: so that none is in two files. */
  #finish(name: string): void {
    if (this.#partial.has(name)) this.append(name, 1);
  }

  #isThere(name: string): boolean {
    return existsSync(this.directory.path(name));
  }

  /** The last one first. */
  #rotated(name: string): string[] {
    const numberOf = (file: string): number => Number(/[.-](\d+)(?:\.gz)?$/.exec(file)?.[1]);
    const rotated = readdirSync(this.directory.root).filter((file) => file.startsWith(name) && file !== name);
    return rotated.sort((one, other) => (numberOf(one) - numberOf(other)) * (this.#isDated ? -1 : 1));
  }

  /** The name of the next one to be rotated. */
  #makeWay(name: string): string {
    this.#rotations += 1;
    if (this.#isDated) return `${name}-${20_261_125_000 + this.#rotations}`;
    for (const file of this.#rotated(name).reverse()) {
      const next = file.replace(/\.(\d+)(\.gz)?$/, (_, number, gz = '') => `.${Number(number) + 1}${gz}`);
      this.directory.rename(file, next);
      this.#move(file, next);
    }
    return `${name}.1`;
  }

  #move(from: string, to: string): void {
    const lines = this.#content.get(from) ?? [];
    if (this.#unknown.has(from) && !this.#known.has(from)) {
      for (const line of lines) this.destroyed.add(line);
      for (const line of lines) this.unseen.add(line);
    }
    this.#content.set(to, lines);
    this.#content.delete(from);
    if (this.#known.delete(from)) this.#known.add(to);
  }

  #destroy(name: string): void {
    for (const line of this.#content.get(name) ?? []) {
      this.destroyed.add(line);
      if (!this.#known.has(name)) this.unseen.add(line);
    }
    this.#known.delete(name);
    this.#content.delete(name);
  }
}

/** What was delivered, over all runs. */
class Reader {
  readonly delivered = new Map<string, string[]>();
  readonly acknowledged = new Set<string>();
  readonly ids = new Map<string, string>();
  gaps = 0;
  readonly #writer: Writer;

  constructor(writer: Writer) {
    this.#writer = writer;
  }

  /** A run of so many events; one that crashes saves nothing after the last event but some. */
  async run(config: Partial<LogConfigInput>, limit: number | undefined, unsaved: number): Promise<void> {
    const { directory } = this.#writer;
    const source = await directory.source(config);
    const seen: string[] = [];
    const cursors = [source.getCursor()];
    for await (const event of source.generateEvents({ limit })) {
      cursors.push(source.getCursor());
      if (event.type === 'headwater.gap') this.gaps += 1;
      if (event.type !== 'log.line') {
        seen.push('');
        continue;
      }
      const { line } = event.data;
      const file = basename(event.data.file);
      expect(this.acknowledged.has(line), `acknowledged and delivered again: ${line}`).toBe(false);
      expect(this.ids.get(event.id) ?? line, `one id of two lines: ${event.id}`).toBe(line);
      this.ids.set(event.id, line);
      seen.push(line);
      this.delivered.set(file, [...(this.delivered.get(file) ?? []), line]);
    }
    // cursors[n]: what is saved when n - 1 events were acknowledged.
    const saved = Math.max(0, seen.length - unsaved);
    if (unsaved === 0) directory.cursor = source.getCursor();
    else if (unsaved !== EVERYTHING) directory.cursor = cursors[saved + 1] ?? cursors.at(-1);
    const acknowledged = unsaved === 0 ? seen : seen.slice(0, saved);
    for (const line of acknowledged) this.acknowledged.add(line);
    if (unsaved !== EVERYTHING) this.#writer.noteLook(limit === undefined && unsaved === 0);
  }
}

type Step = (writer: Writer, reader: Reader, config: Partial<LogConfigInput>) => void | Promise<void>;

const name = fc.constantFrom('app.log', 'other.log');
const step: fc.Arbitrary<[string, Step]> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(name, fc.integer({ min: 1, max: 6 }))
      .map(([file, count]) => named(`append ${count} ${file}`, (writer) => writer.append(file, count))),
  },
  { weight: 2, arbitrary: name.map((file) => named(`part ${file}`, (writer) => writer.appendPart(file))) },
  { weight: 2, arbitrary: name.map((file) => named(`rename ${file}`, (writer) => writer.rename(file))) },
  {
    weight: 2,
    arbitrary: name.map((file) => named(`copytruncate ${file}`, (writer) => writer.copyTruncate(file, true))),
  },
  { weight: 1, arbitrary: name.map((file) => named(`compress ${file}`, (writer) => writer.compress(file))) },
  { weight: 1, arbitrary: name.map((file) => named(`truncate ${file}`, (writer) => writer.copyTruncate(file, false))) },
  { weight: 1, arbitrary: name.map((file) => named(`remove ${file}`, (writer) => writer.remove(file))) },
  { weight: 1, arbitrary: name.map((file) => named(`remove oldest ${file}`, (writer) => writer.removeOldest(file))) },
  {
    weight: 1,
    arbitrary: fc.constant(
      named('run, save nothing', (_, reader, config) => reader.run(config, undefined, EVERYTHING)),
    ),
  },
  { weight: 3, arbitrary: fc.constant(named('run', (_, reader, config) => reader.run(config, undefined, 0))) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 3 }))
      .map(([limit, unsaved]) =>
        named(`run ${limit}, lose ${unsaved}`, (_, reader, config) => reader.run(config, limit, unsaved)),
      ),
  },
);

function named(text: string, act: Step): [string, Step] {
  return [text, act];
}

it('whatever is written, rotated, cut off and removed, and wherever runs end: every line comes, or a gap says that not', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 25 }),
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      async (steps, isLenient, isDated, isElsewhere) => {
        const writer = new Writer(isDated);
        const reader = new Reader(writer);
        // A name that nothing is known of could come and go unseen.
        for (const file of ['app.log', 'other.log']) writer.append(file, 1);
        // Files are named relative to a directory, or as a whole.
        const elsewhere = { dir: tmpdir(), files: join(writer.directory.root, '*.log') };
        const config = { ...(isElsewhere && elsewhere), ...(isLenient && { rotateWaitMs: 0 }) };
        await reader.run(isElsewhere ? elsewhere : {}, undefined, 0);
        try {
          for (const [, act] of steps) await act(writer, reader, config);
          await reader.run(config, undefined, 0);
          await reader.run(config, undefined, 0);
        } catch (error) {
          throw new Error(`${(error as Error).message}: ${steps.map(([text]) => text).join('; ')}`, { cause: error });
        }
        const trace = steps.map(([text]) => text).join('; ');
        for (const [file, lines] of writer.written) {
          const delivered = reader.delivered.get(file) ?? [];
          const missing = lines.filter((line) => !delivered.includes(line) && !writer.destroyed.has(line));
          expect(missing, trace).toEqual([]);
          const lost = lines.some((line) => !delivered.includes(line) && !writer.unseen.has(line));
          if (lost) expect(reader.gaps, `lost without a gap: ${trace}`).toBeGreaterThan(0);
          const firsts = [...new Set(delivered)];
          expect(firsts, `order: ${trace}`).toEqual(lines.filter((line) => delivered.includes(line)));
        }
      },
    ),
    // A failure prints its seed: `LOG_SEED=… LOG_RUNS=…` repeats it.
    { numRuns: Number(process.env['LOG_RUNS'] ?? 60), ...(seed !== undefined && { seed: Number(seed) }) },
  );
}, 120_000);
