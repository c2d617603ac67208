import type { EventSource } from './event-source.js';
import type { SourceDefinition, SourceOptions } from './source-definition.js';

// `any` is what makes these accept every source: variance would refuse narrower options otherwise.

/** A source's class as the registry sees it. */
export interface SourceClass<
  Options extends SourceOptions<any, any, any> = any,
  Source extends EventSource<any, any, any> = EventSource<any, any, any>,
> {
  readonly definition: SourceDefinition<any, any, any, any>;
  create(options: Options): Promise<Source>;
}

/** A class, or a function that loads one when it is needed. */
export type SourceEntry = SourceClass | (() => Promise<SourceClass>);
export type SourceMap = Readonly<Record<string, SourceEntry>>;

export type ClassOf<Entry> = Entry extends SourceClass
  ? Entry
  : Entry extends () => Promise<infer Class>
    ? Class
    : never;
export type OptionsOf<Entry> = ClassOf<Entry> extends { create(options: infer Options): unknown } ? Options : never;
export type SourceOf<Entry> = ClassOf<Entry> extends { create(options: never): Promise<infer Source> } ? Source : never;

/** A source as data, for manifests and queues. Carries credential references only. */
export interface SourceSpec {
  type: string;
  id: string;
  config: unknown;
  credentials?: { ref: string } | 'anonymous' | undefined;
  enabled?: boolean | undefined;
}
