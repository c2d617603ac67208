import type { GapEvent, SourceEvent } from '../../../core/event.js';
import type { LineNotes } from '../../../toolkit/lines/line.js';
import type { LogErrorEvent } from '../files/log-file-source.js';
import type { HttpRequest } from './http-request.js';

/** A request, and where the log tells of it. */
export interface LoggedRequest extends HttpRequest, LineNotes {
  /** The name under which it was written, relative to `dir` where it is below it; rotation changes nothing. */
  file: string;
  /** Byte of the file at which the line begins. */
  offset: number;
}

export type HttpRequestEvent = SourceEvent<'http.request', LoggedRequest>;

/** Everything an `ApiLogSource` emits. */
export type ApiLogEvent = HttpRequestEvent | LogErrorEvent | GapEvent;
