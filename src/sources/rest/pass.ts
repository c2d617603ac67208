import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { SourceBatch } from '../../core/read-options.js';
import { Validators } from '../../toolkit/http/validators.js';
import type { RestCursor } from './cursor.js';
import type { RestEvent, RestFields } from './events.js';
import type { KnownItems } from './known-items.js';
import type { ModeContext } from './mode.js';
import type { PageMemory } from './page-memory.js';
import { type ItemPage, readPages } from './pages.js';
import { after, before } from './watermark.js';

export type RestBatch = SourceBatch<RestEvent, RestCursor>;

/** An item that moves from one page to another while they are read may be passed over: then it takes two to be gone. */
const PASSES_WITHOUT = { none: 1, link: 1, url: 1, cursor: 1, page: 2, offset: 2 } as const;

/** All pages, once. What is told is in the batches; the last one is that of a complete pass. */
export class Pass {
  readonly #mode: ModeContext;
  readonly #known: KnownItems;
  readonly #memory: PageMemory;
  readonly #from: RestCursor;
  readonly #seen = new Set<string>();
  readonly #validators: Validators | undefined;
  #mark: string | number | undefined;
  /** What was known when the pass began. */
  readonly #changes: number;

  constructor(mode: ModeContext, known: KnownItems, from: RestCursor, memory: PageMemory) {
    this.#memory = memory;
    this.#mode = mode;
    this.#known = known;
    this.#from = from;
    this.#mark = from.watermark;
    this.#changes = known.changes;
    const isSingle = mode.config.pagination.by === 'none' && mode.config.detect.by !== 'watermark';
    this.#validators = isSingle ? new Validators({ clock: mode.clock, saved: from.validators }) : undefined;
  }

  /** @returns the position after it */
  async *batches(): AsyncGenerator<RestBatch, RestCursor, undefined> {
    const { config, client, reader, next, signal } = this.#mode;
    const query = this.#query();
    let validators = this.#from.validators;
    // The value to go by is in the items themselves.
    const memory =
      config.detect.by === 'watermark'
        ? undefined
        : { find: (digest: string) => this.#memory.find(digest, this.#known) };
    const pages = readPages({ client, config, reader, next, signal, query, validators: this.#validators, memory });
    for await (const page of pages) {
      this.#mode.onReading();
      if (page.response.status === 304) return this.#from;
      const events = await this.#eventsOf(page);
      validators = this.#validators?.with(page.response.validator);
      if (config.pagination.by === 'none') return yield* this.#finish(events, validators);
      if (events.length > 0) yield { events, cursor: this.#from };
    }
    return yield* this.#finish([], validators);
  }

  async *#finish(
    events: readonly RestEvent[],
    validators: RestCursor['validators'],
  ): AsyncGenerator<RestBatch, RestCursor, undefined> {
    const gone = this.#gone();
    this.#memory.turn();
    const cursor: RestCursor = {
      epoch: this.#from.epoch + (gone.length > 0 ? 1 : 0),
      isKnown: true,
      ...(this.#mark !== undefined && { watermark: this.#mark }),
      ...(validators !== undefined && validators.length > 0 && { validators }),
    };
    const told = [...events, ...gone];
    if (this.#known.changes === this.#changes && this.#isAsBefore(cursor)) return this.#from;
    yield { events: told, cursor };
    return cursor;
  }

  /** Nothing was told, and nothing is known that was not. */
  #isAsBefore({ watermark, validators }: RestCursor): boolean {
    const { isKnown, watermark: before, validators: own } = this.#from;
    return isKnown === true && watermark === before && JSON.stringify(validators) === JSON.stringify(own);
  }

  #query(): Record<string, string | number> {
    const { detect } = this.#mode.config;
    if (detect.by !== 'watermark') return {};
    const since = this.#from.watermark === undefined ? detect.since : before(this.#from.watermark, detect.overlapMs);
    return since === undefined ? {} : { [detect.parameter]: since };
  }

  async #eventsOf({ response, digest, items, same }: ItemPage): Promise<RestEvent[]> {
    const { reader, make } = this.#mode;
    // What is known of its items may have changed since it was asked for.
    if (same !== undefined && this.#memory.find(digest, this.#known) === same) {
      this.#saw(digest, same.keys);
      return [];
    }
    const keys: string[] = [];
    const events: RestEvent[] = [];
    for (const item of items ?? reader.items(response.json(), response.label)) {
      const key = reader.key(item);
      keys.push(key);
      const fields = await this.#fieldsOf(item, key);
      if (fields !== undefined) events.push(make(fields));
    }
    this.#saw(digest, keys);
    return events;
  }

  #saw(digest: string, keys: readonly string[]): void {
    for (const key of keys) this.#seen.add(key);
    this.#memory.keep(digest, keys, this.#known);
  }

  /** Undefined where there is nothing to tell. */
  async #fieldsOf(item: unknown, key: string): Promise<RestFields | undefined> {
    const { reader, config } = this.#mode;
    const version = reader.version(item);
    const mark = reader.mark(item);
    if (mark !== undefined) this.#mark = this.#mark === undefined ? mark : after(this.#mark, mark);
    const previous = this.#known.get(key);
    if (previous?.version === version) {
      this.#known.confirm(key);
      return undefined;
    }
    const { epoch, revision } = this.#known.set(key, version, { epoch: this.#from.epoch, mark });
    if (config.baseline === 'skip' && this.#from.isKnown !== true) return undefined;
    const id = `${key}@${epoch}.${revision}-${version}`;
    const problems = config.schema === undefined ? undefined : await problemsOf(config.schema, item);
    if (problems !== undefined) {
      this.#mode.onInvalid(key, problems);
      return { type: 'rest.item.invalid', id, subject: key, data: { key, item, problems } };
    }
    const isNew = previous === undefined && (config.detect.by !== 'watermark' || this.#from.isKnown !== true);
    const type = isNew ? 'rest.item.created' : 'rest.item.updated';
    return { type, id, subject: key, time: reader.time(item), data: { key, item } };
  }

  /** Only a complete pass tells what is not there. */
  #gone(): RestEvent[] {
    const { config, make } = this.#mode;
    if (config.detect.by === 'watermark') {
      const { overlapMs } = config.detect;
      if (this.#mark !== undefined) {
        const first = before(this.#mark, overlapMs);
        this.#known.forgetBelow((mark) => after(mark, first) !== mark && mark !== first);
      }
      return [];
    }
    const gone = this.#known.takeGone(this.#seen, PASSES_WITHOUT[config.pagination.by]);
    return gone.map(([key, { epoch, revision }]) => {
      const id = `${key}@${epoch}.${revision + 1}-deleted`;
      return make({ type: 'rest.item.deleted', id, subject: key, data: { key } });
    });
  }
}

async function problemsOf(
  schema: StandardSchemaV1,
  item: unknown,
): Promise<readonly { message: string; path?: string }[] | undefined> {
  const { issues } = await schema['~standard'].validate(item);
  return issues?.map(({ message, path }) => {
    const names = path?.map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
    return names === undefined || names === '' ? { message } : { message, path: names };
  });
}
