import { parseConfig } from '../../../core/config.js';
import type { SourceOptions } from '../../../core/source-definition.js';
import { type LogCursor, logCursor } from '../files/cursor.js';
import { Groups } from '../files/groups.js';
import { type LineToEvent, LogFileSource } from '../files/log-file-source.js';
import { type IsPassed, passedBefore } from '../files/start.js';
import { createLineFormat } from '../format/create-line-format.js';
import { createGrouping } from '../format/grouping.js';
import type { LineFormat } from '../format/line-format.js';
import { mayHoldTime } from '../format/text.js';
import { type LogConfig, type LogConfigInput, logConfig } from './config.js';
import { type LogLineEvent, parsedFields, textFields } from './events.js';

/**
 * Log files: every line once, through every kind of rotation. What cannot be had any more is a gap.
 *
 * @example
 * const source = await LogSource.create({ id: 'nginx', config: { files: '/var/log/nginx/*.log', format: 'combined' } });
 * for await (const event of source.generateEvents({ follow: true })) {
 *   if (event.type === 'log.line') console.log(event.data.file, event.data.line);
 * }
 */
export class LogSource extends LogFileSource<LogLineEvent, LogConfig> {
  static readonly definition = {
    type: 'log',
    config: logConfig,
    cursor: { version: 1, schema: logCursor },
    capabilities: {
      kind: 'pull',
      delivery: 'at-least-once',
      position: 'cursor',
      ids: 'stable',
      deletes: false,
      notes: [
        'A last line without a line feed waits for it, unless idleFlushMs says otherwise.',
        'The cursor holds some 200 bytes for each file that is there.',
      ],
    },
    events: {
      'log.line': { description: 'A line of a file, or several that belong together.' },
      'log.error': { description: 'A file cannot be read; the others go on.' },
    },
  } as const;

  /** @throws ConfigError with everything that is wrong with the configuration; no file is looked at. */
  static async create(options: SourceOptions<LogConfigInput, undefined, LogCursor>): Promise<LogSource> {
    const config = await parseConfig(logConfig, options);
    // So that a pattern that is none is told now.
    await createLineFormat(config.format);
    if (config.multiline !== undefined) await createGrouping(config.multiline);
    return new LogSource({ ...options, config });
  }

  readonly type = 'log';

  protected override async groups(): Promise<Groups | undefined> {
    const { multiline } = this.config;
    if (multiline === undefined) return undefined;
    return new Groups(await createGrouping(multiline), multiline, () => this.clock.now());
  }

  protected async lineToEvent(): Promise<LineToEvent<LogLineEvent>> {
    const { format, start } = this.config;
    const parser = await createLineFormat(format);
    const isPassed = passedBefore(start);
    if (parser.name === 'text') return this.#textToEvent(parser, isPassed);
    return (line, file, id, now) => {
      const parsed = parser.parse(line.text, now);
      if (isPassed?.(file, parsed.time) === true) return undefined;
      return this.event(parsedFields(line, file, id, parsed)) as LogLineEvent;
    };
  }

  /** Most lines are text and nothing more: there is nothing to parse in them. */
  #textToEvent(parser: LineFormat, isPassed: IsPassed | undefined): LineToEvent<LogLineEvent> {
    return (line, file, id, now) => {
      const parsed = mayHoldTime(line.text) ? parser.parse(line.text, now) : undefined;
      if (isPassed?.(file, parsed?.time) === true) return undefined;
      return this.event(textFields(line, file, id, parsed)) as LogLineEvent;
    };
  }
}
