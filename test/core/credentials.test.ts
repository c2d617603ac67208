import { ConfigError, EventSourceFactory } from 'headwater';
import { describe, expect, it } from 'vitest';
import { Counting } from '../support/registered-source.js';

const create = (credentials: unknown) => Counting.create({ id: 'mine', config: { last: 1 }, credentials } as never);

describe('a source created directly', () => {
  it('takes credentials as they are, none, or anonymous', async () => {
    for (const credentials of [{ token: 'x' }, undefined, 'anonymous']) await create(credentials);
  });

  it('refuses a secret that is undefined, naming it and what to do', async () => {
    for (const credentials of [{ token: undefined }, { app: { id: 1, privateKey: undefined } }]) {
      await expect(create(credentials)).rejects.toThrow(ConfigError);
      await expect(create(credentials)).rejects.toMatchObject({ code: 'CREDENTIALS_UNDEFINED' });
    }
    await expect(create({ token: undefined })).rejects.toThrow(/credentials\.token is undefined.*'anonymous'/s);
    await expect(create({ app: { privateKey: undefined } })).rejects.toThrow(/credentials\.app\.privateKey/);
  });

  it('refuses a reference, which nobody resolves there', async () => {
    await expect(create({ ref: 'github/prod' })).rejects.toMatchObject({
      code: 'CREDENTIALS_UNRESOLVED',
      message: expect.stringMatching(/github\/prod.*EventSourceFactory/s),
    });
  });
});

describe('a factory', () => {
  const provider = {
    async resolve(ref: string) {
      return ref === 'known' ? { token: 'from the vault' } : undefined;
    },
  };
  const options = { id: 'mine', config: { last: 1 } };

  it('resolves a reference by its provider', async () => {
    const factory = new EventSourceFactory({ sources: { counting: Counting }, credentials: provider });
    const source = await factory.create('counting', { ...options, credentials: { ref: 'known' } });
    expect(source.seenCredentials).toEqual({ token: 'from the vault' });
  });

  it('refuses a reference that the provider does not know, or has no provider for', async () => {
    const known = new EventSourceFactory({ sources: { counting: Counting }, credentials: provider });
    await expect(known.create('counting', { ...options, credentials: { ref: 'unknown' } })).rejects.toMatchObject({
      name: 'ConfigError',
      code: 'CREDENTIALS_UNRESOLVED',
    });
    const none = new EventSourceFactory({ sources: { counting: Counting } });
    await expect(none.create('counting', { ...options, credentials: { ref: 'known' } })).rejects.toMatchObject({
      name: 'ConfigError',
    });
  });

  it('hands on anonymous as it is', async () => {
    const factory = new EventSourceFactory({ sources: { counting: Counting }, credentials: provider });
    const source = await factory.create('counting', { ...options, credentials: 'anonymous' });
    expect(source.seenCredentials).toBe('anonymous');
  });

  it('refuses what the provider gives with an undefined secret in it', async () => {
    const factory = new EventSourceFactory({
      sources: { counting: Counting },
      credentials: { resolve: async () => ({ token: undefined }) },
    });
    await expect(factory.create('counting', { ...options, credentials: { ref: 'known' } })).rejects.toMatchObject({
      code: 'CREDENTIALS_UNDEFINED',
    });
  });
});
