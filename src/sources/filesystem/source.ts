import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BatchEventSource } from '../../core/batch-event-source.js';
import { parseConfig } from '../../core/config.js';
import type { ReadContext, SourceBatch } from '../../core/read-options.js';
import type { SourceOptions, ValidationResult } from '../../core/source-definition.js';
import { realDirectory } from '../../toolkit/real-directory.js';
import { type FilesystemConfig, type FilesystemConfigInput, filesystemConfig } from './config.js';
import { type FilesystemCursor, filesystemCursor, parseCursor } from './cursor.js';
import type { FilesystemEvent } from './events.js';
import { inspectDirectory } from './inspect.js';
import { Reader } from './reader.js';
import type { Step } from './record-reader.js';

/**
 * A directory: the files in it, what happens to them, and the records that they hold. What the system tells of changes
 * is taken for a hint; what counts is what a look at the files finds. Needs a cursor store, which keeps what is known of
 * each file.
 *
 * @example
 * const factory = new EventSourceFactory({ sources: builtinSources, cursorStore: new FileCursorStore('.cursors') });
 * const source = await factory.create('filesystem', { id: 'orders', config: { dir: 'orders', include: ['*.csv'] } });
 * for await (const event of source.generateEvents({ follow: true })) {
 *   if (event.type === 'file.record') console.log(event.data.path, event.data.line, event.data.record);
 * }
 */
export class FilesystemSource extends BatchEventSource<FilesystemEvent, FilesystemCursor, FilesystemConfig> {
  static readonly definition = {
    type: 'filesystem',
    config: filesystemConfig,
    cursor: { version: 1, schema: filesystemCursor },
    capabilities: {
      kind: 'pull',
      delivery: 'at-least-once',
      position: 'state',
      ids: 'stable',
      deletes: true,
      notes: [
        'A file that changes several times between two looks gives one event.',
        'Each new version of a file brings all of its records again, with the new version.',
      ],
    },
    events: {
      'file.created': { description: 'A file is there that was not. Its records follow.' },
      'file.modified': { description: 'The content of a file is another one. All of its records follow.' },
      'file.renamed': { description: 'A file has another name, or is in another directory; its content is the same.' },
      'file.deleted': { description: 'A file is gone.' },
      'file.record': { description: 'A record of a file that was created or modified.' },
      'file.error': { description: 'A file, a directory or a record could not be read; the others go on.' },
    },
  } as const;

  /** @throws ConfigError with everything that is wrong with the configuration; the directory is not looked at. */
  static async create(
    options: SourceOptions<FilesystemConfigInput, undefined, FilesystemCursor>,
  ): Promise<FilesystemSource> {
    const config = await parseConfig(filesystemConfig, options);
    return new FilesystemSource({ ...options, config });
  }

  readonly type = 'filesystem';

  /** `file:` URI of the directory, symbolic links resolved. */
  override async origin(): Promise<string> {
    return pathToFileURL(await this.#root()).href;
  }

  /** Finds out whether the directory is there and may be read. */
  async validate(): Promise<ValidationResult> {
    return inspectDirectory(resolve(this.config.dir));
  }

  protected async *readBatches(
    context: ReadContext<FilesystemCursor>,
  ): AsyncGenerator<SourceBatch<FilesystemEvent, FilesystemCursor>, void, undefined> {
    const { config, clock, logger } = this;
    const cursor = parseCursor(context.cursor, this.id);
    const root = await this.#root();
    const uri = pathToFileURL(root).href;
    const reader = new Reader({
      root,
      config,
      context,
      cursor,
      clock,
      logger,
      onBytes: (bytes) => this.count('bytes', bytes),
      onWork: () => this.setStatus({ state: 'reading' }),
      onCaughtUp: () => this.setStatus({ state: 'caught-up' }),
    });
    for await (const step of reader.read()) yield this.#batch(step, uri);
  }

  #batch({ fields, cursor, cursorAt, gap }: Step, source: string): SourceBatch<FilesystemEvent, FilesystemCursor> {
    if (gap !== undefined) return { events: [this.gap(gap.reason, gap.detail, { from: gap.from })], cursor };
    const events = fields.map((each) => {
      // Written into it, because a copy of each would cost more than all the rest.
      each.source = source;
      return this.event(each as never) as FilesystemEvent;
    });
    return cursorAt === undefined ? { events, cursor } : { events, cursor, cursorAt };
  }

  #root(): Promise<string> {
    return realDirectory(this.config.dir, { code: 'FILESYSTEM_ROOT', sourceId: this.id });
  }
}
