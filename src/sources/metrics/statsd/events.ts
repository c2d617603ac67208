import type { GapEvent, SourceEvent } from '../../../core/event.js';
import type { MetricClearedEvent, MetricCrossedEvent, MetricSampleData, MetricSampleEvent } from '../events.js';
import type { StatsdCheck, StatsdHappening, StatsdKind, StatsdTags } from './parse.js';

export interface StatsdSampleData extends MetricSampleData {
  kind: StatsdKind;
  /** Samples: the share of what happened that was sent, where it is not all. */
  rate?: number;
  /** Samples: the gauge is changed by the value, and not set to it. */
  delta?: true;
  /** Samples of sets: the member that was seen; the value is 1. */
  member?: string;
}

/** Something that happened (DogStatsD). */
export interface StatsdHappeningData {
  title: string;
  text: string;
  labels: StatsdTags;
  /** `hostname`, `aggregationKey`, `priority`, `sourceType`, `alertType`. */
  [field: string]: unknown;
}

/** How a service is (DogStatsD). */
export interface StatsdCheckData {
  name: string;
  status: StatsdCheck['status'];
  message?: string;
  labels: StatsdTags;
  hostname?: string;
}

export interface StatsdErrorData {
  reason: string;
  /** What of it could be shown. */
  line: string;
}

export type StatsdHappeningEvent = SourceEvent<'statsd.event', StatsdHappeningData>;
export type StatsdCheckEvent = SourceEvent<'statsd.service_check', StatsdCheckData>;
export type StatsdErrorEvent = SourceEvent<'statsd.error', StatsdErrorData>;

/** Whatever a `StatsdSource` yields. */
export type StatsdEvent =
  | MetricSampleEvent<StatsdSampleData>
  | MetricCrossedEvent
  | MetricClearedEvent
  | StatsdHappeningEvent
  | StatsdCheckEvent
  | StatsdErrorEvent
  | GapEvent;

/** What an event is made of, but for its id. */
export interface StatsdFields {
  readonly type: Exclude<StatsdEvent['type'], 'headwater.gap'>;
  readonly subject: string;
  readonly time: string;
  readonly data: object;
}

export function happeningFields({ title, text, tags, fields, time }: StatsdHappening, now: number): StatsdFields {
  const data: StatsdHappeningData = { ...fields, title, text, labels: tags };
  return { type: 'statsd.event', subject: title, time: new Date(time ?? now).toISOString(), data };
}

export function checkFields({ name, status, message, tags, fields, time }: StatsdCheck, now: number): StatsdFields {
  const data: StatsdCheckData = { ...fields, name, status, ...(message !== undefined && { message }), labels: tags };
  return { type: 'statsd.service_check', subject: name, time: new Date(time ?? now).toISOString(), data };
}
