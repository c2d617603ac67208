/**
 * One immutable fact: a CloudEvents 1.0 envelope around typed, JSON-safe `data`.
 *
 * Values that JavaScript cannot hold exactly (64-bit ids, microsecond times, `NaN`) are strings in `data`.
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
 */
export interface SourceEvent<Type extends string = string, Data = unknown> {
  readonly specversion: '1.0';
  /** Same fact, same id, in any process, on any run; unique within `source`. Key + revision, where a thing changes. */
  readonly id: string;
  /** URI reference of the origin: 'https://github.com/o/r', 'file:///var/log/app.log'. */
  readonly source: string;
  readonly type: Type;
  /** RFC 3339, when it happened upstream, full precision; absent where upstream does not say. */
  readonly time?: string | undefined;
  readonly subject?: string | undefined;
  readonly datacontenttype?: string | undefined;
  readonly dataschema?: string | undefined;
  /** CloudEvents extension: the configured source that made it. */
  readonly sourceid: string;
  /** CloudEvents extension: of what kind that source is. */
  readonly sourcetype: string;
  readonly data: Data;
}

/** The data of the events of `Type` within a union. */
export type DataOf<Event extends SourceEvent, Type extends string> =
  Event extends SourceEvent<infer T, infer Data> ? (Type extends T ? Data : never) : never;

/** The gap events within a union; `GapEvent` itself where the union does not say. */
export type GapOf<Event extends SourceEvent> = string extends Event['type'] ? GapEvent : Extract<Event, GapEvent>;

/** Why events can no longer be had. */
export type GapReason =
  | 'cursor-expired'
  | 'history-rewritten'
  | 'file-vanished'
  | 'file-truncated'
  | 'retention'
  | 'window-exceeded'
  | 'downtime'
  | 'overflow'
  | 'disconnected'
  | 'truncated';

/** Other events existed and can no longer be had. Bypasses transform, filter, schema and dead letters. */
export type GapEvent = SourceEvent<
  'headwater.gap',
  { reason: GapReason; detail: string; from?: unknown; to?: unknown; count?: number }
>;

export const GAP_TYPE = 'headwater.gap';

/** Whether an event of any union is a gap; also among what `transform` made of the others. */
export function isGap(event: object): event is GapEvent {
  return (event as Partial<SourceEvent>).type === GAP_TYPE;
}
