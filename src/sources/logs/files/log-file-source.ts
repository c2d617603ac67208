import { pathToFileURL } from 'node:url';
import { BatchEventSource } from '../../../core/batch-event-source.js';
import type { GapEvent, SourceEvent } from '../../../core/event.js';
import type { ReadContext, SourceBatch } from '../../../core/read-options.js';
import type { ValidationResult } from '../../../core/source-definition.js';
import type { Line } from '../../../toolkit/lines/line.js';
import { realDirectory } from '../../../toolkit/real-directory.js';
import type { LogFilesConfig } from './config.js';
import { type LogCursor, parseLogCursor } from './cursor.js';
import { FileReader, type FileStep } from './file-reader.js';
import type { Groups } from './groups.js';
import { inspectFiles } from './inspect.js';
import { lineIds } from './line-ids.js';

/** A file cannot be read; the others go on. */
export type LogErrorEvent = SourceEvent<'log.error', { file: string; code: string; message: string }>;

/** Makes the event of a line; undefined passes it over. */
export type LineToEvent<Event> = (line: Line, file: string, id: string, now: number) => Event | undefined;

type LinesStep = Extract<FileStep, { kind: 'lines' }>;

/** What sources that read log files have in common: everything but what becomes of a line. */
export abstract class LogFileSource<Event extends SourceEvent, Config extends LogFilesConfig> extends BatchEventSource<
  Event | LogErrorEvent | GapEvent,
  LogCursor,
  Config
> {
  /** Called once for each iteration. */
  protected abstract lineToEvent(): Promise<LineToEvent<Event>>;

  /** Where several lines may be one event. Called once for each iteration. */
  protected async groups(): Promise<Groups | undefined> {
    return undefined;
  }

  /** `file:` URI of `dir`, symbolic links resolved. */
  override async origin(): Promise<string> {
    return pathToFileURL(await this.#root()).href;
  }

  /** Finds out whether the directories are there, and the files in them may be read. */
  async validate(): Promise<ValidationResult> {
    return inspectFiles(this.config);
  }

  protected async *readBatches(
    context: ReadContext<LogCursor>,
  ): AsyncGenerator<SourceBatch<Event | LogErrorEvent | GapEvent, LogCursor>, void, undefined> {
    const from = parseLogCursor(context.cursor, this.id);
    const toEvent = await this.lineToEvent();
    const reader = await this.#reader(context, from);
    for await (const step of reader.read()) {
      if (step.kind === 'lines') yield this.#batch(step, toEvent);
      else if (step.kind === 'moved') yield { events: [], cursor: step.cursor };
      else if (step.kind === 'problem') yield { events: [this.#problem(step.file, step.code)], cursor: step.cursor };
      else yield { events: [this.gap(step.reason, step.detail, { from: step.from })], cursor: step.cursor };
    }
  }

  #batch(
    { lines, file, key, cursor, cursorAt }: LinesStep,
    toEvent: LineToEvent<Event>,
  ): SourceBatch<Event, LogCursor> {
    const events: Event[] = [];
    const now = this.clock.now();
    const idOf = lineIds(key);
    /** The lines that events were made of, where some were passed over. */
    let counts: number[] | undefined;
    for (let index = 0; index < lines.length; index += 1) {
      const line = lines[index] as Line;
      const event = toEvent(line, file, idOf(line.start), now);
      if (event === undefined) counts ??= events.map((_, at) => at + 1);
      else {
        events.push(event);
        counts?.push(index + 1);
      }
    }
    const kept = counts;
    if (kept === undefined) return { events, cursor, cursorAt };
    return { events, cursor, cursorAt: (count) => cursorAt(kept[count - 1] ?? 0) };
  }

  #problem(file: string, code: string): Event | LogErrorEvent {
    const message = `${file} cannot be read (${code}); it is tried again from time to time`;
    const data = { file, code: `FILE_${code}`, message };
    const fields = { type: 'log.error', id: `${file}:FILE_${code}`, data };
    return this.event(fields as never) as unknown as LogErrorEvent;
  }

  async #reader(context: ReadContext<LogCursor>, from: LogCursor | undefined): Promise<FileReader> {
    const { config, clock, logger } = this;
    const { followSymlinks: followsLinks, start, ...files } = config;
    const options = {
      ...files,
      root: await this.#root(),
      rotated: config.rotated,
      idleFlushMs: config.idleFlushMs,
      followsLinks,
      from,
      follow: context.follow,
      signal: context.signal,
      clock,
      logger,
      start: startOf(start),
      onBytes: (bytes: number) => this.count('bytes', bytes),
      onWork: () => this.setStatus({ state: 'reading' }),
      onCaughtUp: () => this.setStatus({ state: 'caught-up' }),
    };
    return new FileReader(options, await this.groups());
  }

  #root(): Promise<string> {
    return realDirectory(this.config.dir, { code: 'LOG_ROOT', sourceId: this.id });
  }
}

/** Files that were last written to before that time have nothing of it. */
function startOf(start: LogFilesConfig['start']): (modified: number) => 'beginning' | 'end' {
  if (start === 'beginning' || start === 'end') return () => start;
  const time = Date.parse(start);
  return (modified) => (modified < time ? 'end' : 'beginning');
}
