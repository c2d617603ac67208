import { inspect } from 'node:util';
import { AuthenticationError, EventSourceFactory, MemoryCursorStore, Secret } from 'headwater';
import { RecordingLogger } from 'headwater/testing';
import { describe, expect, it } from 'vitest';
import { redactText } from '../../src/core/secret.js';
import { Counting } from '../support/registered-source.js';

const planted = 'planted-s3cret-value';

it('a Secret prints as [secret] everywhere', () => {
  const secret = new Secret(planted);
  const holder = { name: 'github', token: secret, all: [secret], map: new Map([['token', secret]]) };
  const printed = [
    String(secret),
    `${secret}`,
    JSON.stringify(holder),
    inspect(holder, { depth: 10, showHidden: true }),
    inspect(secret),
    secret.toString(),
    inspect(Object.getOwnPropertyDescriptors(secret), { depth: 5, showHidden: true }),
    JSON.stringify({ ...secret }),
  ].join('\n');
  expect(printed).not.toContain(planted);
  expect(`${secret}`).toBe('[secret]');
  expect(JSON.stringify({ secret })).toBe('{"secret":"[secret]"}');
  expect(secret.reveal()).toBe(planted);
  expect(new Secret({ key: planted }).reveal()).toEqual({ key: planted });
});

describe('text is redacted', () => {
  it.each([
    [`https://user:${planted}@example.com/path`, 'https://[secret]@example.com/path'],
    [`https://${planted}@example.com`, 'https://[secret]@example.com'],
    [`postgres://me:p@ss:${planted}@db:5432/x`, 'postgres://[secret]@db:5432/x'],
    [`Authorization: Bearer ${planted}`, 'Authorization: Bearer [secret]'],
    [`{"password":"${planted}"}`, '{"password":"[secret]"}'],
    [`?access_token=${planted}&page=2`, '?access_token=[secret]&page=2'],
    ['https://example.com/a@b?x=1', 'https://example.com/a@b?x=1'],
    ['nothing to hide', 'nothing to hide'],
  ])('%s', (text, expected) => {
    expect(redactText(text)).toBe(expected);
  });

  it('in time that grows with its length, and no faster', () => {
    for (const text of ['a'.repeat(200_000), '://'.repeat(60_000), 'token '.repeat(40_000), 'a://b'.repeat(40_000)]) {
      expect(redactText(text)).toBe(text);
    }
  });
});

it('X7: a planted secret is in no output: events, cursors, errors, logs, printed objects', async () => {
  class Leaky extends Counting {
    static override async create(options: Parameters<typeof Counting.create>[0]): Promise<Leaky> {
      return new Leaky({ ...options, config: { last: 2, root: 'here' } });
    }

    readonly #token = new Secret((this.options.credentials as { token: string }).token);

    override async validate(): Promise<never> {
      const vendor = Object.assign(new Error(`GET https://x:${this.#token.reveal()}@api.example.com failed`), {
        request: { headers: { authorization: `Bearer ${this.#token.reveal()}` } },
      });
      this.logger.error({ token: this.#token, url: 'https://api.example.com' }, 'refused');
      throw new AuthenticationError('the token was refused', { cause: vendor, sourceId: this.id });
    }
  }
  const logger = new RecordingLogger();
  const store = new MemoryCursorStore();
  const factory = new EventSourceFactory({
    sources: { leaky: Leaky },
    cursorStore: store,
    logger,
    credentials: { resolve: async () => ({ token: planted }) },
  });
  const source = await factory.create('leaky', { id: 'mine', config: { last: 2 }, credentials: { ref: 'vault' } });
  const outputs: unknown[] = [];
  for await (const event of source.generateEvents()) outputs.push(event);
  outputs.push(source.getCursor(), source.getStats(), source.getStatus(), await store.list());
  const failure = await source.validate().catch((error: unknown) => error);
  outputs.push(failure, (failure as Error).stack, (failure as Error).cause, logger.lines);
  const printed = outputs.map((output) => inspect(output, { depth: 20, showHidden: true }) + JSON.stringify(output));
  expect(printed.join('\n')).not.toContain(planted);
});
