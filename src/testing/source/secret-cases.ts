import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import type { EventSource } from '../../core/event-source.js';
import type { SourceCase, Trial } from './trial.js';

/** Deep enough for an error within an error within an answer. */
const HOW_DEEP = 12;

/** What nobody may get to see. */
export const secretCases: readonly SourceCase[] = [
  {
    name: 'no secret is in an event, a cursor, a log line or what a source prints as',
    needs: ['secrets'],
    async check(trial) {
      const source = await trial.start();
      for await (const event of trial.iterate(source)) assertNoSecret(trial, event, 'an event');
      await trial.save(source);
      for (const record of await trial.store.list()) assertNoSecret(trial, record, 'a saved cursor');
      for await (const entry of trial.store.loadState('trial')) assertNoSecret(trial, entry, 'the saved state');
      assertNoSecret(trial, await source.validate(), 'the answer of validate()');
      assertNothingTold(trial, source);
      assertNoSecret(trial, JSON.stringify(source) ?? '', 'the source as JSON');
    },
  },
  {
    name: 'no secret is in an error, its causes, or what is logged and told when upstream fails',
    needs: ['secrets', 'fail'],
    async check(trial) {
      for (const kind of ['transient', 'permanent'] as const) {
        const fresh = await trial.another();
        const source = await fresh.start();
        fresh.harness.fail?.(fresh.world, kind, 0);
        const error = await fresh.read(source).catch((reason: unknown) => reason);
        assertNoSecret(trial, error, 'an error');
        assertNoSecret(trial, await source.validate().catch((reason: unknown) => reason), 'the answer of validate()');
        assertNothingTold(fresh, source);
      }
    },
  },
  {
    name: 'no secret is in the error that refuses a configuration or credentials',
    needs: ['secrets'],
    async check(trial) {
      const { config, credentials } = trial.world;
      const secrets = Object.fromEntries((trial.harness.secrets ?? []).map((secret, index) => [`key${index}`, secret]));
      const wrong = [{ config: { ...(config as object), ...secrets } }, { credentials: secrets }, { credentials: 7 }];
      for (const changes of [...wrong, { config: { nonsense: credentials }, credentials }]) {
        const error = await trial.start(changes).catch((reason: unknown) => reason);
        if (error instanceof Error) assertNoSecret(trial, error, 'the error of create()');
      }
    },
  },
];

function assertNothingTold(trial: Trial, source: EventSource): void {
  for (const line of trial.logger.lines) assertNoSecret(trial, line, 'a log line');
  assertNoSecret(trial, source.getStatus(), 'the status');
  assertNoSecret(trial, source, 'the source as printed');
}

function assertNoSecret({ harness }: Trial, value: unknown, what: string): void {
  const text = textOf(value);
  for (const secret of harness.secrets ?? []) {
    for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')]) {
      assert.ok(!text.includes(form), `there is a secret in ${what}`);
    }
  }
}

/** Everything that a console, a log or a debugger shows of it. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const all = { maxStringLength: null, maxArrayLength: null };
  const errors = causesOf(value).flatMap((error) => [error.message, error.stack ?? '', inspectHidden(error)]);
  return [inspect(value, { depth: HOW_DEEP, ...all }), ...errors].join('\n');
}

/** With what is not enumerable, as `cause` is not. */
function inspectHidden(error: Error): string {
  return inspect(error, { depth: HOW_DEEP, showHidden: true, maxStringLength: null, maxArrayLength: null });
}

function causesOf(value: unknown, depth = 0): Error[] {
  if (!(value instanceof Error) || depth > HOW_DEEP) return [];
  return [value, ...causesOf(value.cause, depth + 1)];
}
