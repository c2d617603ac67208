import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type CursorStore, EventSourceFactory, MemoryCursorStore, type ReadOptions } from 'headwater';
import { type FilesystemConfigInput, type FilesystemEvent, FilesystemSource } from 'headwater/sources/filesystem';
import { onTestFinished } from 'vitest';

const LONG_AGO = new Date('2026-01-02T03:04:05.678Z');

/** A directory of its own, and a store for what is known of it. */
export class TestTree {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'headwater-files-')));
  readonly store: CursorStore = new MemoryCursorStore();

  constructor() {
    onTestFinished(() => rmSync(this.root, { recursive: true, force: true }));
  }

  path(name: string): string {
    return join(this.root, name);
  }

  /** Written long ago, so that it is not waited for. */
  write(name: string, content: string | Uint8Array, writtenAt: Date | 'now' = LONG_AGO): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), content);
    if (writtenAt !== 'now') utimesSync(this.path(name), writtenAt, writtenAt);
  }

  /** As editors save: a new file is put in the place of the old one. */
  saveAtomically(name: string, content: string): void {
    this.write(`${name}.new~`, content);
    renameSync(this.path(`${name}.new~`), this.path(name));
  }

  remove(name: string): void {
    rmSync(this.path(name), { recursive: true });
  }

  rename(from: string, to: string): void {
    mkdirSync(dirname(this.path(to)), { recursive: true });
    renameSync(this.path(from), this.path(to));
  }

  /** A source as another process would make it: all it knows is in the store. */
  async source(
    config: Partial<FilesystemConfigInput> = {},
    onGap: 'emit' | 'throw' = 'emit',
  ): Promise<FilesystemSource> {
    const factory = new EventSourceFactory({ sources: { filesystem: FilesystemSource }, cursorStore: this.store });
    return factory.create('filesystem', { id: 'files', config: { dir: this.root, ...config }, onGap });
  }

  /** What a run brings; its end saves what it knows. */
  async run(config: Partial<FilesystemConfigInput> = {}, options: ReadOptions = {}): Promise<FilesystemEvent[]> {
    const source = await this.source(config);
    const events: FilesystemEvent[] = [];
    for await (const event of source.generateEvents(options)) events.push(event);
    await source.close();
    return events;
  }

  /** The same in short: `created a.txt`, `record b.csv 0`. */
  async brief(config: Partial<FilesystemConfigInput> = {}, options: ReadOptions = {}): Promise<string[]> {
    return (await this.run(config, options)).map(brief);
  }
}

export function brief(event: FilesystemEvent): string {
  if (event.type === 'headwater.gap') return `gap ${event.data.reason}`;
  const type = event.type.slice('file.'.length);
  if (event.type === 'file.record') return `${type} ${event.data.path} ${event.data.index}`;
  if (event.type === 'file.renamed') return `${type} ${event.data.previousPath} ${event.data.path}`;
  if (event.type === 'file.error') return `${type} ${event.data.path} ${event.data.code}`;
  return `${type} ${event.data.path}`;
}
