import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { GapEvent, SourceEvent } from '../../core/event.js';

/** What the `data` of each type of event has to be. */
export type EventSchemas = Readonly<Record<string, StandardSchemaV1>>;

/** The events that a source with these schemas hands out: what the schemas made of what was pushed. */
export type ManualEvent<Schemas extends EventSchemas = EventSchemas> =
  | PushedEvent<Schemas>
  // Not pushed: part of the union of every source.
  | GapEvent;

/** Those that were pushed. */
export type PushedEvent<Schemas extends EventSchemas = EventSchemas> = {
  [Type in keyof Schemas & string]: SourceEvent<Type, StandardSchemaV1.InferOutput<Schemas[Type]>>;
}[keyof Schemas & string];

/** What `push` takes. */
export type ManualInput<Schemas extends EventSchemas = EventSchemas> = {
  [Type in keyof Schemas & string]: {
    readonly type: Type;
    /** Checked, and as the schema makes it: JSON, without what JSON would lose or change. */
    readonly data: StandardSchemaV1.InferInput<Schemas[Type]>;
    /**
     * What the fact is called: the same fact, the same id. Default: one per receipt, of this source object and a number
     * that counts up.
     */
    readonly id?: string | undefined;
    /** RFC 3339, when it happened. */
    readonly time?: string | undefined;
    readonly subject?: string | undefined;
  };
}[keyof Schemas & string];
