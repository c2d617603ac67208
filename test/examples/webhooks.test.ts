import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { signHmac } from '../../src/toolkit/signature.js';
import { freePort } from '../services/daemon.js';
import { startExample } from './run-example.js';

const SECRET = 'the secret of the example';
let work: string;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'headwater-webhooks-'));
});

afterEach(() => rmSync(work, { recursive: true, force: true }));

test.each(['standalone', 'express', 'fastify', 'hono', 'next'])(
  'npm run example:webhooks -- %s prints a delivery, and refuses what nobody signed',
  { timeout: 120_000 },
  async (way) => {
    const port = await freePort();
    const env = { PORT: String(port), GITHUB_WEBHOOK_SECRET: SECRET };
    const { child, ended, printed } = startExample('webhooks', work, [way], env);
    const [url = ''] = await printed(/http:\S+/);
    expect(await send(url, 'one', SECRET)).toBe(202);
    expect(await send(url, 'two', 'another secret')).toBe(401);
    await printed(/github\.push one/);
    child.kill('SIGINT');
    const { status, stdout } = await ended;
    expect(status).toBe(0);
    expect(stdout.trim().split('\n').slice(1)).toEqual(['github.push one octo-org/octo-repo']);
  },
);

async function send(url: string, id: string, secret: string): Promise<number> {
  const body = JSON.stringify({ ref: 'refs/heads/main', repository: { full_name: 'octo-org/octo-repo' } });
  const headers = {
    'content-type': 'application/json',
    'x-github-event': 'push',
    'x-github-delivery': id,
    'x-hub-signature-256': `sha256=${signHmac(secret, [body])}`,
  };
  return (await fetch(url, { method: 'POST', body, headers })).status;
}
