import { parseConfig } from '../../../core/config.js';
import type { SourceOptions } from '../../../core/source-definition.js';
import type { Line } from '../../../toolkit/lines/line.js';
import { type LogCursor, logCursor } from '../files/cursor.js';
import { type LineToEvent, LogFileSource } from '../files/log-file-source.js';
import { passedBefore } from '../files/start.js';
import { createLineFormat } from '../format/create-line-format.js';
import { type ApiLogConfig, type ApiLogConfigInput, apiLogConfig } from './config.js';
import type { HttpRequestEvent, LoggedRequest } from './events.js';
import { compileFilter } from './filter.js';
import type { HttpRequest } from './http-request.js';
import { Redactor } from './redactor.js';
import { RequestParser } from './request-parser.js';
import { isSampled } from './sample.js';
import { SecretNames } from './secret-names.js';

/** Why an event is left out, as the statistics name it. */
type Reason = 'filtered' | 'sampled' | 'other-lines';

/**
 * The requests that a server answered, from its access log or the log of an application: every line once, through every
 * kind of rotation, secrets taken out.
 *
 * @example
 * const source = await ApiLogSource.create({
 *   id: 'failures',
 *   config: { files: '/var/log/nginx/access.log', filter: { status: '5xx', endpoint: '/api/**' } },
 * });
 * for await (const event of source.generateEvents({ follow: true })) {
 *   if (event.type === 'http.request') console.log(event.data.method, event.data.path, event.data.status);
 * }
 */
export class ApiLogSource extends LogFileSource<HttpRequestEvent, ApiLogConfig> {
  static readonly definition = {
    type: 'api-log',
    config: apiLogConfig,
    cursor: { version: 1, schema: logCursor },
    capabilities: {
      kind: 'pull',
      delivery: 'at-least-once',
      position: 'cursor',
      ids: 'stable',
      deletes: false,
      notes: [
        'Fields that are not configured are guessed; `guessed` of an event says by whose names.',
        'Secrets are told by the names of parameters, headers and fields. What is in a path cannot be told.',
        'What is filtered or not in the sample is counted in `dropped` of the statistics.',
      ],
    },
    events: {
      'http.request': { description: 'A request that was answered; or, with parseError, a line that is none.' },
      'log.error': { description: 'A file cannot be read; the others go on.' },
    },
  } as const;

  /** @throws ConfigError with everything that is wrong with the configuration; no file is looked at. */
  static async create(options: SourceOptions<ApiLogConfigInput, undefined, LogCursor>): Promise<ApiLogSource> {
    const config = await parseConfig(apiLogConfig, options);
    // So that a pattern that is none is told now.
    await createLineFormat(config.format);
    return new ApiLogSource({ ...options, config });
  }

  readonly type = 'api-log';

  protected async lineToEvent(): Promise<LineToEvent<HttpRequestEvent>> {
    const parser = await this.#parser();
    const reasonToDrop = this.#reasonToDrop();
    const isPassed = passedBefore(this.config.start);
    return (line, file, id, now) => {
      const read = parser.parse(line, now);
      if (isPassed?.(file, read.time) === true) return undefined;
      const reason = reasonToDrop(read.request, id);
      if (reason === undefined) return this.#event(line, file, id, read.time, parser.conceal(read));
      this.countDropped(reason);
      return undefined;
    };
  }

  async #parser(): Promise<RequestParser> {
    const { format, mapping, redact, withFields } = this.config;
    const names = typeof redact === 'object' ? redact.names : [];
    const redactor = redact === false ? undefined : new Redactor(new SecretNames(names));
    return new RequestParser({ format: await createLineFormat(format), mapping, redactor, withFields });
  }

  #reasonToDrop(): (request: HttpRequest, id: string) => Reason | undefined {
    const { filter, sample, otherLines } = this.config;
    const passes = filter && compileFilter(filter);
    return (request, id) => {
      // Neither filters nor the sample can judge a line that is no request, so they leave none out.
      if (request.parseError !== undefined) return otherLines === 'drop' ? 'other-lines' : undefined;
      if (passes?.(request) === false) return 'filtered';
      return sample === 1 || isSampled(id, sample) ? undefined : 'sampled';
    };
  }

  #event(line: Line, file: string, id: string, time: string | undefined, request: HttpRequest): HttpRequestEvent {
    const data = request as LoggedRequest;
    data.file = file;
    data.offset = line.start;
    if (line.notes !== undefined) Object.assign(data, line.notes);
    return this.event({ type: 'http.request', id, time, data }) as HttpRequestEvent;
  }
}
