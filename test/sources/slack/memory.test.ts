import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SlackSource } from 'headwater/sources/slack';
import { FakeClock } from 'headwater/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SlackServer } from '../../services/slack/slack-server.js';
import { DAY, START } from './world.js';

const MESSAGES = 100_000;
const MEBIBYTE = 2 ** 20;

let slack: SlackServer;
beforeEach(async () => {
  slack = await SlackServer.start({ now: () => START - MESSAGES * 60_000 - DAY });
});
afterEach(() => slack.stop());

it('100,000 messages are read within bounded memory, in about as many requests as there are pages', {
  timeout: 120_000,
}, async () => {
  const channel = slack.workspace.channel('general');
  channel.fill(MESSAGES, {
    from: START - MESSAGES * 60_000,
    everyMs: 60_000,
    text: (index) => `${index} ${'x'.repeat(200)}`,
  });
  slack.now = () => START;
  const source = await SlackSource.create({
    id: 'chat',
    credentials: { token: slack.token },
    config: { apiUrl: slack.url, channels: ['general'], reread: { windowDays: 1 } },
    clock: new FakeClock(START + DAY / 24),
  });
  const before = heap();
  let count = 0;
  let most = 0;
  let callsAtFirst = 0;
  for await (const event of source.generateEvents()) {
    if (event.type !== 'slack.message') throw new Error(`unexpected ${event.type}`);
    if (count === 0) callsAtFirst = slack.count();
    count += 1;
    if (count % 10_000 === 1) most = Math.max(most, heap() - before);
  }
  await source.close();
  expect(count).toBe(MESSAGES);
  // 4,000 messages at most, as the answers they came in and as what they were parsed to.
  expect(most).toBeLessThan(30 * MEBIBYTE);
  expect(slack.count('conversations.history') / (MESSAGES / 200)).toBeLessThan(1.25);
  expect(callsAtFirst).toBeLessThan(50);
  expect(slack.violations).toEqual([]);
});

function heap(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
