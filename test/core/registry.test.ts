import { ConfigError, EventSourceFactory, MissingPeerError, SourceRegistry, UnknownSourceError } from 'headwater';
import { describe, expect, it } from 'vitest';
import { Counting } from '../support/registered-source.js';

class Other extends Counting {}

it('holds classes and functions that load them', async () => {
  const registry = new SourceRegistry({ counting: Counting, lazy: async () => Other });
  expect(registry.list()).toEqual(['counting', 'lazy']);
  expect(await registry.load('counting')).toBe(Counting);
  expect(await registry.load('lazy')).toBe(Other);
  expect([registry.has('lazy'), registry.has('missing')]).toEqual([true, false]);
});

it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', ''])('%j is not a type', async (type) => {
  const registry = new SourceRegistry({ counting: Counting });
  expect(registry.has(type)).toBe(false);
  await expect(registry.load(type as 'counting')).rejects.toThrow(UnknownSourceError);
  await expect(
    new EventSourceFactory({ sources: registry }).createFromSpec({ type, id: 'a', config: {} }),
  ).rejects.toThrow(UnknownSourceError);
});

it('a host may name a type as it likes', async () => {
  const registry = new SourceRegistry().register('constructor', Counting).register('__proto__', Other);
  expect(await registry.load('constructor')).toBe(Counting);
  expect(await registry.load('__proto__')).toBe(Other);
  expect(registry.list()).toEqual(['__proto__', 'constructor']);
});

it('an unknown type is refused with the nearest name, or with those there are', async () => {
  const registry = new SourceRegistry({ counting: Counting, github: Other });
  const failure = await registry.load('cuonting' as 'counting').catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(UnknownSourceError);
  expect(failure).toBeInstanceOf(ConfigError);
  expect((failure as Error).message).toMatch(/"cuonting".*did you mean "counting"\?/);
  await expect(registry.load('nothing-like-it' as 'counting')).rejects.toThrow('known types: counting, github');
});

it('register returns the same registry and refuses a type that is taken', async () => {
  const registry = new SourceRegistry({ counting: Counting });
  expect(registry.register('other', Other)).toBe(registry);
  expect(() => registry.register('counting', Other)).toThrow(ConfigError);
  expect(await registry.load('counting')).toBe(Counting);
  const factory = new EventSourceFactory({ sources: { counting: Counting } });
  expect(factory.register('other', Other)).toBe(factory);
  expect(() => factory.register('other', Counting)).toThrow(/"other" is registered already/);
});

it('registries do not share their types', () => {
  const sources = { counting: Counting };
  new SourceRegistry(sources).register('other', Other);
  expect(Object.keys(sources)).toEqual(['counting']);
  expect(new SourceRegistry(sources).has('other')).toBe(false);
});

describe('a lazy entry', () => {
  it('is loaded once, also when it is asked for at the same time', async () => {
    let loads = 0;
    const registry = new SourceRegistry({
      lazy: async () => {
        loads += 1;
        return Counting;
      },
    });
    await Promise.all([registry.load('lazy'), registry.load('lazy')]);
    await registry.load('lazy');
    expect(loads).toBe(1);
  });

  it('that failed to load can be tried again', async () => {
    let loads = 0;
    const registry = new SourceRegistry({
      lazy: async () => {
        loads += 1;
        if (loads === 1) throw new MissingPeerError(['@octokit/rest']);
        return Counting;
      },
    });
    await expect(registry.load('lazy')).rejects.toThrow('npm install @octokit/rest');
    expect(await registry.load('lazy')).toBe(Counting);
  });

  it('is not loaded before it is asked for', () => {
    const registry = new SourceRegistry({
      lazy: async (): Promise<typeof Counting> => {
        throw new Error('loaded');
      },
    });
    expect(registry.has('lazy')).toBe(true);
    expect(registry.list()).toEqual(['lazy']);
  });
});

it('describe tells config as JSON Schema, capabilities and events', async () => {
  const registry = new SourceRegistry({ counting: async () => Counting });
  expect(await registry.describe('counting')).toMatchObject({
    type: 'counting',
    config: { type: 'object', properties: { last: { type: 'number' }, root: { type: 'string' } } },
    credentials: {},
    capabilities: { kind: 'pull' },
    events: { 'count.number': { description: 'one more' } },
  });
});
