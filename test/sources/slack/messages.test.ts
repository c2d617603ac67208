import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { idsOf, SlackWorld, START, textsOf, typesOf } from './world.js';

let world: SlackWorld;
beforeEach(async () => {
  world = await SlackWorld.start();
});
afterEach(async () => {
  expect(world.slack.violations).toEqual([]);
  await world.stop();
});

describe('the messages of a channel', () => {
  it('come oldest first, over all pages, with time, id and place', async () => {
    const channel = world.workspace.channel('general');
    channel.fill(25, { from: START, everyMs: 1_000 });
    const events = await world.run({ channels: ['general'], pageSize: 10 });
    expect(textsOf(events)).toEqual(Array.from({ length: 25 }, (_, index) => `message ${index}`));
    expect(events[0]).toMatchObject({
      id: `${channel.id}:1718000000.000000`,
      source: `slack://channel?team=T000000001&id=${channel.id}`,
      subject: channel.id,
      time: '2024-06-10T06:13:20.000000Z',
      data: { channel: channel.id, ts: '1718000000.000000', user: 'U000000001' },
    });
  });

  it('SL1: a ts is text from end to end, and goes back unchanged', async () => {
    const channel = world.workspace.channel('general');
    const ts = channel.post({ text: 'with zeros', at: START + 0.1 });
    expect(ts).toBe('1718000000.000100');
    const [event] = await world.run({ channels: [channel.id] });
    expect(event).toMatchObject({ data: { ts }, time: '2024-06-10T06:13:20.000100Z' });
    const record = await world.saved();
    expect(JSON.parse(JSON.stringify(record?.cursor))).toMatchObject({ channels: { [channel.id]: { after: ts } } });
    channel.post({ text: 'next', at: START + 0.2 });
    expect(textsOf(await world.run({ channels: [channel.id] }))).toEqual(['next']);
    const calls = world.slack.callsOf('conversations.history');
    expect(calls.some(({ args }) => args['oldest'] === ts)).toBe(true);
  });

  it('SL1: messages of one moment are told apart, all of them', async () => {
    const channel = world.workspace.channel('general');
    for (let count = 0; count < 5; count += 1) channel.post({ text: `${count}`, at: START });
    const events = await world.run({ pageSize: 2 });
    expect(textsOf(events)).toEqual(['0', '1', '2', '3', '4']);
    expect(new Set(idsOf(events)).size).toBe(5);
  });

  it('SL2: 100 messages in clipped pages of 15 take 7 calls, one a minute', async () => {
    world.slack.restrict();
    const channel = world.workspace.channel('general');
    channel.fill(100, { from: START - 86_400_000, everyMs: 1_000 });
    const events = await world.runMoving({ channels: [channel.id], threads: false });
    expect(textsOf(events)).toEqual(Array.from({ length: 100 }, (_, index) => `message ${index}`));
    const answered = world.slack.callsOf('conversations.history').filter(({ status }) => status === 200);
    expect(answered).toHaveLength(7);
    const waits = answered.slice(1).map(({ at }, index) => at - (answered[index]?.at ?? 0));
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(60_000);
    expect(Math.max(...waits)).toBeLessThan(65_000);
  });

  it('SL2: goes on for as long as there is a cursor, however short or empty a page is', async () => {
    world.slack.behaviour.pageSize = (limit, { count }) => (count % 3 === 1 ? 0 : Math.min(limit, 3));
    const channel = world.workspace.channel('general');
    channel.fill(10, { from: START, everyMs: 1_000 });
    expect(await world.run({ channels: [channel.id], threads: false })).toHaveLength(10);
  });

  it('come after `since` only, itself included', async () => {
    const channel = world.workspace.channel('general');
    channel.fill(3, { from: START, everyMs: 1_000 });
    const events = await world.run({ channels: ['general'], since: new Date(START + 1_000) });
    expect(textsOf(events)).toEqual(['message 1', 'message 2']);
  });

  it('tell who joined, left and renamed, and what apps posted', async () => {
    const channel = world.workspace.channel('general');
    channel.post({ subtype: 'bot_message', text: 'deployed', extra: { bot_id: 'B1', username: 'Deployer' } });
    channel.join('U000000003');
    channel.post({ subtype: 'channel_leave', user: 'U000000003', text: 'has left' });
    channel.rename('all-hands');
    const events = await world.run();
    expect(typesOf(events)).toEqual([
      'slack.message',
      'slack.channel.joined',
      'slack.channel.left',
      'slack.channel.renamed',
    ]);
    expect(events).toMatchObject([
      { data: { botId: 'B1', botName: 'Deployer', subtype: 'bot_message' } },
      { data: { user: 'U000000003' } },
      { data: { user: 'U000000003' } },
      { data: { name: 'all-hands', oldName: 'general' } },
    ]);
  });
});

describe('the channels', () => {
  it('are those that were joined, unless they are named; archived and foreign ones are left alone', async () => {
    world.workspace.channel('one').post({ text: 'one' });
    world.workspace.channel('two', { type: 'private_channel' }).post({ text: 'two' });
    world.workspace.channel('foreign', { members: [] }).post({ text: 'foreign' });
    const old = world.workspace.channel('old');
    old.post({ text: 'old' });
    old.archive();
    expect(textsOf(await world.run())).toEqual(['one', 'two']);
    expect(textsOf(await world.run({ channels: ['#old', 'two'] }))).toEqual(['old']);
  });

  it('that are joined later are found by the next run', async () => {
    world.workspace.channel('one').post({ text: 'one' });
    expect(textsOf(await world.run())).toEqual(['one']);
    world.workspace.channel('two').post({ text: 'two' });
    expect(textsOf(await world.run())).toEqual(['two']);
  });

  it('SL8: are looked up by name once, page by page; the id is kept, and a rename changes nothing', async () => {
    for (let count = 0; count < 250; count += 1) world.workspace.channel(`channel-${count}`, { members: [] });
    const channel = world.workspace.channel('general');
    channel.post({ text: 'before' });
    expect(textsOf(await world.run({ channels: ['general'] }))).toEqual(['before']);
    expect(world.slack.count('conversations.list')).toBe(2);
    expect(await world.saved()).toMatchObject({ cursor: { channels: { [channel.id]: { name: 'general' } } } });
    channel.rename('everybody');
    // Whoever takes the name later is another channel.
    world.workspace.channel('general').post({ text: 'of another' });
    channel.post({ text: 'after' });
    const events = await world.run({ channels: ['general'] });
    expect(typesOf(events)).toEqual(['slack.channel.renamed', 'slack.message']);
    expect(textsOf(events)).toEqual(['after']);
    expect(world.slack.count('conversations.list')).toBe(2);
  });

  it('are named in events, as the people are, where that is asked for', async () => {
    const channel = world.workspace.channel('general');
    channel.post({ text: 'one' });
    channel.post({ text: 'two' });
    channel.post({ text: 'unknown', user: 'U999999999' });
    const events = await world.run({ channels: [channel.id], resolve: true });
    expect(events).toMatchObject([
      { data: { channelName: 'general', userName: 'ann' } },
      { data: { channelName: 'general', userName: 'ann' } },
      { data: { channelName: 'general', user: 'U999999999' } },
    ]);
    expect(events[2]?.data).not.toHaveProperty('userName');
    expect([world.slack.count('users.info'), world.slack.count('conversations.info')]).toEqual([2, 1]);
  });
});
