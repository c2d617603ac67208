/** What a kind of source can promise; part of its definition, readable on every source. */
export interface Capabilities {
  readonly kind: 'pull' | 'push';
  readonly delivery: 'at-least-once' | 'at-most-once';
  /** 'cursor': getCursor() says it all. 'state': also keyed state. 'upstream': a broker keeps it. 'none'. */
  readonly position: 'cursor' | 'state' | 'upstream' | 'none';
  readonly ids: 'stable' | 'per-receipt';
  readonly deletes: boolean;
  /** Most events that may be unsettled at once, where upstream limits it (prefetch, in-flight requests). */
  readonly window?: number | undefined;
  /** Whether upstream has a place for events that fail for good: `ingest({ deadLetters: 'upstream' })`. Default false. */
  readonly setsAside?: boolean | undefined;
  readonly notes?: readonly string[] | undefined;
}

/** What holds for a class without a `definition`. */
export const DEFAULT_CAPABILITIES: Capabilities = {
  kind: 'pull',
  delivery: 'at-least-once',
  position: 'cursor',
  ids: 'stable',
  deletes: false,
};
