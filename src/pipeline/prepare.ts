import type { StandardSchemaV1 } from '@standard-schema/spec';
import { SkippableError } from '../core/errors.js';
import { isGap, type SourceEvent } from '../core/event.js';
import type { EventFailure } from '../core/read-options.js';
import { isOutage } from './outage.js';

/** An event and what goes into the sink for it. */
export interface PreparedEvent {
  readonly event: SourceEvent;
  readonly output: unknown;
  /** Its place in the batch of the source. */
  readonly index: number;
}

/** An event that failed for good. */
export interface FailedEvent extends EventFailure {
  readonly event: SourceEvent;
}

export interface Prepared {
  readonly outputs: readonly PreparedEvent[];
  readonly failed: readonly FailedEvent[];
  readonly filtered: number;
  readonly gaps: number;
}

export interface PrepareOptions {
  transform?: ((event: never) => unknown) | undefined;
  schema?: StandardSchemaV1 | undefined;
}

/** Transforms and checks a batch. Gap events pass untouched. */
export async function prepare(events: readonly SourceEvent[], options: PrepareOptions): Promise<Prepared> {
  if (options.transform === undefined && options.schema === undefined) return asTheyAre(events);
  const outputs: PreparedEvent[] = [];
  const failed: FailedEvent[] = [];
  let filtered = 0;
  let gaps = 0;
  for (const [index, event] of events.entries()) {
    if (isGap(event)) {
      gaps += 1;
      outputs.push({ event, output: event, index });
      continue;
    }
    try {
      const output = await toOutput(event, options);
      if (output === undefined) filtered += 1;
      else outputs.push({ event, output, index });
    } catch (error) {
      if (isOutage(error)) throw error;
      failed.push({ event, error, attempts: 1 });
    }
  }
  return { outputs, failed, filtered, gaps };
}

function asTheyAre(events: readonly SourceEvent[]): Prepared {
  const outputs = events.map((event, index) => ({ event, output: event, index }));
  return { outputs, failed: [], filtered: 0, gaps: events.filter(isGap).length };
}

async function toOutput(event: SourceEvent, { transform, schema }: PrepareOptions): Promise<unknown> {
  const output = transform === undefined ? event : await transform(event as never);
  if (output === undefined || schema === undefined) return output;
  const result = await schema['~standard'].validate(output);
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map(({ path, message }) => `${describePath(path)}${message}`).join('; ');
  throw new SkippableError(`does not fit the schema: ${issues}`, { code: 'SCHEMA', sourceId: event.sourceid });
}

function describePath(path: StandardSchemaV1.Issue['path']): string {
  if (path === undefined || path.length === 0) return '';
  return `${path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')}: `;
}
