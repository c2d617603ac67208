import { SlackSource } from 'headwater/sources/slack';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DAY, idsOf, SlackWorld, START, textsOf } from './world.js';

let world: SlackWorld;
beforeEach(async () => {
  world = await SlackWorld.start();
});
afterEach(async () => {
  expect(world.slack.violations).toEqual([]);
  await world.stop();
});

describe('threads', () => {
  it.each([true, false])(
    'come after the message that began them, oldest reply first (parent on every page: %s)',
    async (everyPage) => {
      world.slack.behaviour.parentOnEveryPage = everyPage;
      const channel = world.workspace.channel('general');
      const parent = channel.post({ text: 'parent', at: START - 60_000 });
      channel.post({ text: 'next', at: START - 59_000 });
      for (let count = 0; count < 7; count += 1)
        channel.reply(parent, { text: `reply ${count}`, at: START - 50_000 + count });
      const events = await world.run({ pageSize: 3 });
      const replies = Array.from({ length: 7 }, (_, index) => `reply ${index}`);
      expect(textsOf(events)).toEqual(['parent', ...replies, 'next']);
      expect(events[1]).toMatchObject({ data: { threadTs: parent } });
    },
  );

  it('SL4: a reply to a message of three days ago is found within a window of seven', async () => {
    const channel = world.workspace.channel('general');
    const parent = channel.post({ text: 'parent', at: START - 3 * DAY });
    await world.run();
    channel.reply(parent, { text: 'at last' });
    expect(textsOf(await world.run())).toEqual(['at last']);
    channel.reply(parent, { text: 'and another', at: START + 1 });
    expect(textsOf(await world.run())).toEqual(['and another']);
    expect(await world.run()).toEqual([]);
  });

  it('SL4: a reply to a message of ten days ago is not, and nobody says that it would be', async () => {
    const channel = world.workspace.channel('general');
    const parent = channel.post({ text: 'parent', at: START - 10 * DAY });
    await world.run();
    channel.reply(parent, { text: 'unseen' });
    expect(await world.run()).toEqual([]);
    expect(SlackSource.definition.capabilities.notes.join()).toMatch(/threads: windowed/);
    const source = await world.source();
    expect(source.capabilities.notes?.join()).toMatch(/older than `threads.windowDays` is not found/);
    await source.close();
  });

  it('SL4: a reply that was also sent to the channel comes once, however old its thread is', async () => {
    const channel = world.workspace.channel('general');
    const old = channel.post({ text: 'old', at: START - 10 * DAY });
    const young = channel.post({ text: 'young', at: START - DAY });
    channel.reply(young, { text: 'both', at: START - 1_000, broadcast: true });
    channel.reply(young, { text: 'thread only', at: START - 500 });
    expect(textsOf(await world.run()).sort()).toEqual(['both', 'old', 'thread only', 'young']);
    const ts = channel.reply(old, { text: 'woken', broadcast: true });
    const events = await world.run();
    expect(events).toMatchObject([{ data: { text: 'woken', ts, threadTs: old, subtype: 'thread_broadcast' } }]);
    expect(await world.run()).toEqual([]);
  });

  it('are complete in old messages as well, when those are read for the first time', async () => {
    const channel = world.workspace.channel('general');
    const parent = channel.post({ text: 'parent', at: START - 100 * DAY });
    channel.reply(parent, { text: 'reply', at: START - 99 * DAY });
    expect(textsOf(await world.run())).toEqual(['parent', 'reply']);
    expect(await world.run()).toEqual([]);
  });

  it('go on after the last reply that was delivered', async () => {
    const channel = world.workspace.channel('general');
    const parent = channel.post({ text: 'parent', at: START - 60_000 });
    for (let count = 0; count < 6; count += 1)
      channel.reply(parent, { text: `reply ${count}`, at: START - 50_000 + count });
    world.slack.fail('conversations.replies', 3, { kind: 'error', error: 'invalid_auth' });
    const config = { pageSize: 3 };
    const source = await world.source({ config });
    const before: string[] = [];
    const reading = async (): Promise<void> => {
      for await (const event of source.generateEvents()) before.push(event.id);
    };
    await expect(reading()).rejects.toMatchObject({ code: 'SLACK_AUTHENTICATION' });
    await source.close();
    const after = idsOf(await world.run(config));
    expect(new Set([...before, ...after]).size).toBe(7);
    expect(before.length + after.length).toBeLessThanOrEqual(9);
  });

  it('whose first message was deleted, or that are gone altogether, do not stop anything', async () => {
    const channel = world.workspace.channel('general');
    const parent = channel.post({ text: 'parent', at: START - 60_000 });
    channel.reply(parent, { text: 'reply', at: START - 50_000 });
    channel.delete(parent);
    const gone = channel.post({ text: 'gone', at: START - 40_000 });
    const reply = channel.reply(gone, { text: 'gone as well', at: START - 39_000 });
    channel.post({ text: 'last', at: START - 30_000 });
    world.slack.before('conversations.replies', 2, () => {
      channel.delete(reply);
      channel.delete(gone);
    });
    expect(textsOf(await world.run())).toEqual(['reply', 'gone', 'last']);
  });

  it('a page cursor that is not valid any more begins again after what was delivered', async () => {
    const channel = world.workspace.channel('general');
    const parent = channel.post({ text: 'parent', at: START - 60_000 });
    for (let count = 0; count < 6; count += 1)
      channel.reply(parent, { text: `reply ${count}`, at: START - 50_000 + count });
    world.slack.fail('conversations.replies', 2, { kind: 'error', error: 'invalid_cursor' });
    const events = await world.run({ pageSize: 3 });
    expect(textsOf(events)).toEqual(['parent', ...Array.from({ length: 6 }, (_, index) => `reply ${index}`)]);
  });

  it('are not asked for where they are not wanted', async () => {
    const channel = world.workspace.channel('general');
    const parent = channel.post({ text: 'parent', at: START - 60_000 });
    channel.reply(parent, { text: 'reply', at: START - 50_000 });
    expect(textsOf(await world.run({ threads: false }))).toEqual(['parent']);
    expect(world.slack.count('conversations.replies')).toBe(0);
  });
});
