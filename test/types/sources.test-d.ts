import {
  BatchEventSource,
  type DataOf,
  EventSource,
  EventSourceFactory,
  type GapEvent,
  type GapOf,
  MemoryCursorStore,
  PushEventSource,
  type ReadContext,
  type SourceBatch,
  type SourceClass,
  type SourceEvent,
  type SourceOptions,
  SourceRegistry,
} from 'headwater';
import { builtinSources } from 'headwater/sources';
import type { GitSource } from 'headwater/sources/git';
import { ManualSource } from 'headwater/sources/manual';
import { describe, expectTypeOf, test } from 'vitest';
import { z } from 'zod';

const config = z.object({ top: z.number(), language: z.enum(['en', 'de']).default('en') });

type StoryEvent = SourceEvent<'hn.story', { id: number; title: string }>;
type CommentEvent = SourceEvent<'hn.comment', { text: string }>;
/** An interface, which has no index signature. */
interface StoryCursor {
  lastId: number;
}
type Options = SourceOptions<z.input<typeof config>, { token: string }, StoryCursor>;

class HackerNews extends EventSource<StoryEvent | CommentEvent, StoryCursor, z.output<typeof config>> {
  static readonly definition = {
    type: 'hacker-news',
    config,
    capabilities: { kind: 'pull', delivery: 'at-least-once', position: 'cursor', ids: 'stable', deletes: false },
    events: { 'hn.story': { description: 'a new story' } },
  } as const;
  static async create(options: Options): Promise<HackerNews> {
    return new HackerNews({ ...options, config: config.parse(options.config) });
  }
  readonly type = 'hacker-news';
  async validate() {
    return { ok: true, problems: [] };
  }
  protected async *read({ cursor, signal }: ReadContext<StoryCursor>) {
    expectTypeOf(cursor).toEqualTypeOf<StoryCursor | undefined>();
    expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
    const story = { id: 1, title: 'a' };
    yield this.event({ type: 'hn.story', id: `${story.id}`, data: story }, { lastId: story.id });
    yield this.event({ type: 'hn.comment', id: '2', data: { text: 'b' } });
    // @ts-expect-error another type of event
    this.event({ type: 'hn.stroy', id: '1', data: story });
    // @ts-expect-error the data of another type
    this.event({ type: 'hn.comment', id: '1', data: story });
    // @ts-expect-error a cursor of another shape
    this.event({ type: 'hn.story', id: '1', data: story }, { lastID: 1 });
    // @ts-expect-error an event without an id
    this.event({ type: 'hn.story', data: story });
  }
}

class Pages extends BatchEventSource<StoryEvent | GapEvent, StoryCursor> {
  readonly type = 'pages';
  async validate() {
    return { ok: true, problems: [] };
  }
  protected async *readBatches(): AsyncGenerator<SourceBatch<StoryEvent | GapEvent, StoryCursor>> {
    yield { events: [this.gap('retention', 'old ones are gone')], cursor: { lastId: 3 } };
  }
}

class Receiver extends PushEventSource<StoryEvent> {
  readonly type = 'receiver';
  async validate() {
    return { ok: true, problems: [] };
  }
}

const factory = new EventSourceFactory({
  sources: { ...builtinSources, 'hacker-news': HackerNews, lazy: async () => HackerNews },
  cursorStore: new MemoryCursorStore(),
});

describe('factory.create', () => {
  test('infers the source from the name of its type', async () => {
    const source = await factory.create('hacker-news', { id: 'a', config: { top: 3 } });
    expectTypeOf(source).toEqualTypeOf<HackerNews>();
    expectTypeOf(source.getCursor()).toEqualTypeOf<StoryCursor | undefined>();
    expectTypeOf(source.config.language).toEqualTypeOf<'en' | 'de'>();
    expectTypeOf(await factory.create('git', { id: 'a', config: { dir: '.' } })).toEqualTypeOf<GitSource>();
    expectTypeOf(await factory.create('lazy', { id: 'a', config: { top: 3 } })).toEqualTypeOf<HackerNews>();
  });

  test('a wrong config does not compile', () => {
    // @ts-expect-error missing
    void factory.create('hacker-news', { id: 'a', config: {} });
    // @ts-expect-error misspelt
    void factory.create('hacker-news', { id: 'a', config: { top: 3, langauge: 'de' } });
    // @ts-expect-error of another type
    void factory.create('hacker-news', { id: 'a', config: { top: '3' } });
    // @ts-expect-error not one of these
    void factory.create('lazy', { id: 'a', config: { top: 3, language: 'fr' } });
    // @ts-expect-error the config of another source
    void factory.create('git', { id: 'a', config: { top: 3 } });
    // @ts-expect-error no id
    void factory.create('hacker-news', { config: { top: 3 } });
    // @ts-expect-error another cursor
    void factory.create('hacker-news', { id: 'a', config: { top: 3 }, cursor: { last: 1 } });
    // @ts-expect-error wrong credentials
    void factory.create('hacker-news', { id: 'a', config: { top: 3 }, credentials: { password: 'x' } });
    // @ts-expect-error an unknown type
    void factory.create('hacker-new', { id: 'a', config: { top: 3 } });
  });

  test('credentials are a value, a reference or anonymous, and resuming is told beside', () => {
    void factory.create('hacker-news', { id: 'a', config: { top: 3 }, credentials: { token: 'x' }, resume: false });
    void factory.create('hacker-news', {
      id: 'a',
      config: { top: 3 },
      credentials: { ref: 'vault' },
      adoptCursor: true,
    });
    void factory.create('hacker-news', { id: 'a', config: { top: 3 }, credentials: 'anonymous' });
  });

  test('register widens what it returns', async () => {
    const wider = factory.register('mine', HackerNews).register('late', async () => HackerNews);
    expectTypeOf(await wider.create('mine', { id: 'a', config: { top: 1 } })).toEqualTypeOf<HackerNews>();
    expectTypeOf(await wider.create('late', { id: 'a', config: { top: 1 } })).toEqualTypeOf<HackerNews>();
    expectTypeOf(await wider.create('git', { id: 'a', config: { dir: '.' } })).toEqualTypeOf<GitSource>();
    // @ts-expect-error not registered with this one
    void factory.create('mine', { id: 'a', config: { top: 1 } });
    const registry = new SourceRegistry(builtinSources).register('mine', HackerNews);
    expectTypeOf(await registry.load('mine')).toEqualTypeOf<typeof HackerNews>();
    const made = await new EventSourceFactory({ sources: registry }).create('mine', { id: 'a', config: { top: 1 } });
    expectTypeOf(made).toEqualTypeOf<HackerNews>();
  });

  test('a type that is only known at run time gives any source', async () => {
    const source = await factory.createFromSpec({ type: 'x', id: 'a', config: {} });
    expectTypeOf(source).toEqualTypeOf<EventSource>();
  });
});

describe('events', () => {
  test('switch (event.type) narrows event.data', async () => {
    const source = await factory.create('hacker-news', { id: 'a', config: { top: 3 } });
    for await (const event of source.generateEvents()) {
      expectTypeOf(event).toEqualTypeOf<StoryEvent | CommentEvent>();
      switch (event.type) {
        case 'hn.story':
          expectTypeOf(event.data).toEqualTypeOf<{ id: number; title: string }>();
          break;
        case 'hn.comment':
          expectTypeOf(event.data).toEqualTypeOf<{ text: string }>();
          break;
        default:
          expectTypeOf(event).toEqualTypeOf<never>();
      }
    }
  });

  test('batches and nextWithin carry the same types', async () => {
    const source = await factory.create('hacker-news', { id: 'a', config: { top: 3 } });
    for await (const batch of source.generateBatches()) {
      expectTypeOf(batch.events).toEqualTypeOf<readonly (StoryEvent | CommentEvent)[]>();
      expectTypeOf(batch.cursor).toEqualTypeOf<StoryCursor | undefined>();
    }
    const result = await source.generateEvents().nextWithin(5);
    if (result?.done === false) expectTypeOf(result.value).toEqualTypeOf<StoryEvent | CommentEvent>();
  });

  test('a push source may always bring gaps', async () => {
    const source = new Receiver({ id: 'a', config: undefined });
    for await (const event of source.generateEvents()) expectTypeOf(event).toEqualTypeOf<StoryEvent | GapEvent>();
  });

  test('git events narrow', async () => {
    const source = await factory.create('git', { id: 'a', config: { dir: '.' } });
    for await (const event of source.generateEvents()) {
      if (event.type === 'git.commit') expectTypeOf(event.data.sha).toEqualTypeOf<string>();
      if (event.type === 'headwater.gap') expectTypeOf(event).toExtend<GapEvent>();
      // @ts-expect-error git has no such event
      if (event.type === 'git.comit') throw new Error('never');
    }
  });

  test('DataOf and GapOf', () => {
    expectTypeOf<DataOf<StoryEvent | CommentEvent, 'hn.comment'>>().toEqualTypeOf<{ text: string }>();
    expectTypeOf<GapOf<StoryEvent>>().toEqualTypeOf<never>();
    expectTypeOf<GapOf<StoryEvent | GapEvent>>().toEqualTypeOf<GapEvent>();
    expectTypeOf<GapOf<SourceEvent>>().toEqualTypeOf<GapEvent>();
  });
});

test('every source is assignable to EventSource, every class to SourceClass', () => {
  expectTypeOf<HackerNews>().toExtend<EventSource>();
  expectTypeOf<Pages>().toExtend<EventSource>();
  expectTypeOf<Receiver>().toExtend<EventSource>();
  expectTypeOf<GitSource>().toExtend<EventSource>();
  expectTypeOf<typeof HackerNews>().toExtend<SourceClass>();
  expectTypeOf<typeof GitSource>().toExtend<SourceClass>();
  const all: EventSource[] = [new Receiver({ id: 'a', config: undefined }), new Pages({ id: 'b', config: undefined })];
  void all;
});

describe('a source that the host pushes into', () => {
  test('takes and hands out what the schemas say', async () => {
    const source = await ManualSource.create({
      id: 'orders',
      config: {
        events: {
          'order.placed': z.object({ order: z.string(), total: z.number().default(0) }),
          'order.cancelled': z.object({ order: z.coerce.string() }),
        },
      },
    });
    void source.push({ type: 'order.placed', data: { order: '1' } });
    // @ts-expect-error another type of event
    void source.push({ type: 'order.plased', data: { order: '1' } });
    // @ts-expect-error the data of another type
    void source.push({ type: 'order.placed', data: { total: 1 } });
    for await (const event of source.generateEvents()) {
      expectTypeOf(event.type).toEqualTypeOf<'order.placed' | 'order.cancelled' | 'headwater.gap'>();
      if (event.type === 'order.placed') expectTypeOf(event.data).toEqualTypeOf<{ order: string; total: number }>();
      if (event.type === 'order.cancelled') expectTypeOf(event.data).toEqualTypeOf<{ order: string }>();
    }
  });
});
