import type { SlackConfigInput } from 'headwater/sources/slack';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DAY, idsOf, SlackWorld, START, textsOf, typesOf } from './world.js';

let world: SlackWorld;
const config: SlackConfigInput = { reread: { windowDays: 2 }, pageSize: 3 };

beforeEach(async () => {
  world = await SlackWorld.start();
});
afterEach(async () => {
  expect(world.slack.violations).toEqual([]);
  await world.stop();
});

describe('messages that are read again', () => {
  it('SL5: an edit gives an event with the time of the edit in its id, once', async () => {
    const channel = world.workspace.channel('general');
    const [first] = channel.fill(10, { from: START - DAY, everyMs: 1_000 }) as [string];
    await world.run(config);
    channel.edit(first, 'said otherwise', { at: START });
    const events = await world.run(config);
    expect(events).toMatchObject([
      {
        type: 'slack.message.changed',
        id: `${channel.id}:${first}:1718000000.000000`,
        time: '2024-06-10T06:13:20.000000Z',
        data: { text: 'said otherwise', edited: { ts: '1718000000.000000' } },
      },
    ]);
    expect(await world.run(config)).toEqual([]);
  });

  it('SL5: a second edit within one second, and one that goes back, have ids of their own', async () => {
    const channel = world.workspace.channel('general');
    const ts = channel.post({ text: 'A', at: START - DAY });
    await world.run(config);
    const ids: string[] = [];
    for (const text of ['B', 'A', 'B']) {
      channel.edit(ts, text, { at: START });
      ids.push(...idsOf(await world.run(config)));
    }
    expect(new Set([...ids, `${channel.id}:${ts}`]).size).toBe(4);
  });

  it('SL5: a message that vanished within the window is deleted; one that is older is not missed', async () => {
    const channel = world.workspace.channel('general');
    const [old] = channel.fill(3, { from: START - 5 * DAY, everyMs: 1_000 }) as [string];
    const young = channel.fill(10, { from: START - DAY, everyMs: 1_000 });
    await world.run(config);
    for (const ts of [old, young[0], young[4], young[9]]) channel.delete(ts as string);
    const events = await world.run(config);
    expect(new Set(typesOf(events))).toEqual(new Set(['slack.message.deleted']));
    const expected = [young[0], young[4], young[9]].map((ts) => `${channel.id}:${ts}:deleted`);
    expect(idsOf(events).sort()).toEqual(expected.sort());
    expect(await world.run(config)).toEqual([]);
  });

  it('SL5: all messages of a channel may go at once', async () => {
    const channel = world.workspace.channel('general');
    const all = channel.fill(5, { from: START - DAY, everyMs: 1_000 });
    await world.run(config);
    for (const ts of all) channel.delete(ts);
    expect(await world.run(config)).toHaveLength(5);
  });

  it('a message with replies that is deleted leaves its thread to be followed', async () => {
    const channel = world.workspace.channel('general');
    const parent = channel.post({ text: 'parent', at: START - DAY });
    channel.reply(parent, { text: 'reply', at: START - DAY + 1_000 });
    await world.run(config);
    channel.delete(parent);
    channel.reply(parent, { text: 'still here', at: START - 1_000 });
    const events = await world.run(config);
    expect(typesOf(events)).toEqual(['slack.message.deleted', 'slack.message']);
    expect(textsOf(events)).toEqual(['still here']);
    expect(await world.run(config)).toEqual([]);
  });

  it('what leaves the window is not called deleted, and is forgotten', async () => {
    const channel = world.workspace.channel('general');
    channel.fill(5, { from: START - DAY, everyMs: 1_000 });
    channel.post({ text: 'young', at: START });
    await world.run(config);
    await world.clock.advance(1.5 * DAY);
    expect(await world.run(config)).toEqual([]);
    await world.clock.advance(5 * DAY);
    expect(await world.run(config)).toEqual([]);
    const left: string[] = [];
    for await (const [key] of world.store.loadState('chat')) left.push(key);
    expect(left).toEqual([]);
  });

  it('what is remembered of a channel that is not read any more is forgotten in time', async () => {
    const general = world.workspace.channel('general');
    const random = world.workspace.channel('random');
    for (const channel of [general, random]) channel.post({ text: 'hello', at: START - DAY });
    await world.run({ ...config, channels: ['general', 'random'] });
    await world.clock.advance(2 * DAY);
    general.post({ text: 'again' });
    await world.run({ ...config, channels: ['general'], threads: false });
    const left: string[] = [];
    for await (const [key] of world.store.loadState('chat')) left.push(key);
    expect(left).toEqual([expect.stringContaining(general.id)]);
  });

  it('reactions come and go, each time with an id of its own', async () => {
    const channel = world.workspace.channel('general');
    const ts = channel.post({ text: 'hello', at: START - DAY });
    channel.react(ts, 'wave', 'U000000001');
    expect(await world.run(config)).toMatchObject([{ data: { reactions: [{ name: 'wave', count: 1 }] } }]);
    const seen: string[] = [];
    for (let round = 0; round < 2; round += 1) {
      channel.react(ts, 'tada', 'U000000002');
      const added = await world.run(config);
      expect(added).toMatchObject([
        { type: 'slack.reaction.added', data: { ts, reaction: 'tada', user: 'U000000002' } },
      ]);
      channel.unreact(ts, 'tada', 'U000000002');
      const removed = await world.run(config);
      expect(typesOf(removed)).toEqual(['slack.reaction.removed']);
      seen.push(...idsOf([...added, ...removed]));
    }
    expect(new Set(seen).size).toBe(4);
  });

  it('people whom Slack leaves out of a long list of reactions have not taken theirs back', async () => {
    const channel = world.workspace.channel('general');
    const reactions = (users: string[], count: number) => ({ reactions: [{ name: 'tada', users, count }] });
    const ts = channel.post({ at: START - DAY, extra: reactions(['U000000001', 'U000000002'], 2) });
    await world.run(config);
    channel.change(ts, { extra: reactions(['U000000003'], 3) });
    const events = await world.run(config);
    expect(events).toMatchObject([{ type: 'slack.reaction.added', data: { user: 'U000000003' } }]);
  });

  it('a message that comes to light late is brought, although newer ones were delivered', async () => {
    const channel = world.workspace.channel('general');
    channel.fill(4, { from: START - DAY, everyMs: 1_000 });
    await world.run(config);
    channel.post({ text: 'late', at: START - DAY + 1_500 });
    expect(textsOf(await world.run(config))).toEqual(['late']);
    expect(await world.run(config)).toEqual([]);
  });

  it('begin silently where messages were delivered before anything was remembered', async () => {
    const channel = world.workspace.channel('general');
    const all = channel.fill(4, { from: START - DAY, everyMs: 1_000 });
    await world.run({ pageSize: 3 });
    expect(await world.run(config)).toEqual([]);
    channel.edit(all[1] as string, 'changed', { at: START });
    expect(typesOf(await world.run(config))).toEqual(['slack.message.changed']);
  });

  it('are no more than `maxMessages` of a channel, the newest', async () => {
    const channel = world.workspace.channel('general');
    const all = channel.fill(40, { from: START - DAY, everyMs: 1_000 });
    const few: SlackConfigInput = { reread: { windowDays: 2, maxMessages: 10 }, threads: false, pageSize: 5 };
    await world.run(few);
    channel.edit(all[0] as string, 'too old', { at: START });
    channel.edit(all[39] as string, 'young', { at: START });
    world.slack.calls.length = 0;
    expect(await world.run(few)).toMatchObject([{ data: { text: 'young' } }]);
    // One for what is new, and what ten messages take.
    expect(world.slack.calls.filter(({ method }) => method === 'conversations.history').length).toBeLessThanOrEqual(4);
    let remembered = 0;
    for await (const _ of world.store.loadState('chat')) remembered += 1;
    expect(remembered).toBeLessThanOrEqual(15);
  });

  it('a page cursor that is not valid any more begins again, and nothing comes twice', async () => {
    const channel = world.workspace.channel('general');
    const all = channel.fill(9, { from: START - DAY, everyMs: 1_000 });
    await world.run(config);
    for (const ts of [all[0], all[8]]) channel.edit(ts as string, 'changed', { at: START });
    world.slack.fail('conversations.history', 3, { kind: 'error', error: 'invalid_cursor' });
    const events = await world.run(config);
    expect(typesOf(events)).toEqual(['slack.message.changed', 'slack.message.changed']);
    expect(new Set(idsOf(events)).size).toBe(2);
  });

  it('a change comes again when it was not acknowledged', async () => {
    const channel = world.workspace.channel('general');
    const all = channel.fill(3, { from: START - DAY, everyMs: 1_000 });
    await world.run(config);
    channel.edit(all[1] as string, 'changed', { at: START });
    const source = await world.source({ config });
    let first: string | undefined;
    for await (const event of source.generateEvents()) {
      first = event.id;
      break;
    }
    await source.close();
    expect(first).toBeDefined();
    expect(idsOf(await world.run(config))).toEqual([first]);
  });

  it('with `follow`, are read again at their own pace', async () => {
    const channel = world.workspace.channel('general');
    const ts = channel.post({ text: 'hello', at: START - DAY });
    const source = await world.source({ config: { ...config, pollIntervalMs: 60_000, rescanIntervalMs: 600_000 } });
    const events = source.generateEvents({ follow: true });
    await world.moving(events.next());
    const next = events.next();
    while (source.getStatus().state !== 'caught-up') await new Promise((resolve) => setTimeout(resolve, 1));
    channel.edit(ts, 'changed', { at: START });
    const { value } = await world.moving(next);
    expect(value).toMatchObject({ type: 'slack.message.changed' });
    expect(world.clock.now() - START).toBeGreaterThanOrEqual(500_000);
    await events.return();
    await source.close();
  });
});
