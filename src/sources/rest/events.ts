import type { GapEvent, SourceEvent } from '../../core/event.js';

/** An item as the API gives it. */
export interface RestItemData<Item = unknown> {
  /** What tells it from all others. */
  key: string;
  item: Item;
}

/** An item that is there no longer. */
export interface RestDeletedData {
  key: string;
}

/** An item that is not what `schema` asks for. */
export interface RestInvalidData {
  key: string;
  item: unknown;
  problems: readonly { message: string; path?: string }[];
}

export type RestCreatedEvent<Item = unknown> = SourceEvent<'rest.item.created', RestItemData<Item>>;
export type RestUpdatedEvent<Item = unknown> = SourceEvent<'rest.item.updated', RestItemData<Item>>;
export type RestDeletedEvent = SourceEvent<'rest.item.deleted', RestDeletedData>;
export type RestInvalidEvent = SourceEvent<'rest.item.invalid', RestInvalidData>;

/** Whatever a `RestSource` yields. */
export type RestEvent<Item = unknown> =
  | RestCreatedEvent<Item>
  | RestUpdatedEvent<Item>
  | RestDeletedEvent
  | RestInvalidEvent
  | GapEvent;

/** What an event is made of. */
export interface RestFields {
  readonly type: Exclude<RestEvent['type'], 'headwater.gap'>;
  readonly id: string;
  readonly subject: string;
  readonly time?: string | undefined;
  readonly data: RestItemData | RestDeletedData | RestInvalidData;
}
