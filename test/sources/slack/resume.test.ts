import type { SlackConfigInput, SlackEvent } from 'headwater/sources/slack';
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

/** A process that is killed when it has been given so many events: what was acknowledged by then is saved. */
async function killedAfter(count: number, config: SlackConfigInput): Promise<SlackEvent[]> {
  const source = await world.source({ config });
  const events: SlackEvent[] = [];
  for await (const event of source.generateEvents()) {
    events.push(event);
    if (events.length === count) break;
  }
  await source.close();
  return events;
}

describe('a run that was cut off', () => {
  it('SL3: a crash after page 1 of 4 loses nothing: what was read and not delivered is read again', async () => {
    const channel = world.workspace.channel('general');
    channel.fill(40, { from: START, everyMs: 1_000 });
    world.slack.fail('conversations.history', 2, { kind: 'error', error: 'invalid_auth' });
    const config = { channels: [channel.id], pageSize: 10 };
    await expect(world.run(config)).rejects.toMatchObject({ code: 'SLACK_AUTHENTICATION' });
    expect(await world.saved()).toBeUndefined();
    expect(textsOf(await world.run(config))).toEqual(Array.from({ length: 40 }, (_, index) => `message ${index}`));
  });

  it('SL3: the end is fixed by the first page: what is posted meanwhile comes with the next pass, once', async () => {
    const channel = world.workspace.channel('general');
    channel.fill(6, { from: START, everyMs: 1_000 });
    world.slack.before('conversations.history', 2, () => channel.post({ text: 'meanwhile', at: START + 60_000 }));
    const config = { channels: [channel.id], pageSize: 2 };
    expect(textsOf(await world.run(config))).not.toContain('meanwhile');
    expect(textsOf(await world.run(config))).toEqual(['meanwhile']);
  });

  it('SL3: clocks that are wrong on either side do not matter', async () => {
    const channel = world.workspace.channel('general');
    world.slack.now = () => world.clock.now() + 10 * DAY;
    channel.post({ text: 'from the future' });
    expect(textsOf(await world.run())).toEqual(['from the future']);
    world.slack.now = () => world.clock.now() + 10 * DAY + 1;
    channel.post({ text: 'later' });
    expect(textsOf(await world.run())).toEqual(['later']);
  });

  // What belongs together with remembered state is acknowledged together: a batch is what may come twice.
  it.each<[string, SlackConfigInput, boolean]>([
    ['the event in hand', { threads: { windowDays: 7 } }, false],
    ['the batch in hand', { threads: { windowDays: 7 }, reread: { windowDays: 2 } }, true],
  ])(
    'goes on after every prefix, against a workspace that moves: all of it comes, and only %s twice',
    async (_, windows, mayRepeat) => {
      const config: SlackConfigInput = { pageSize: 3, ...windows };
      for (let count = 1; ; count += 1) {
        await world.stop();
        world = await SlackWorld.start();
        const expected = plant();
        const before = idsOf(await killedAfter(count, config));
        if (before.length < count) break;
        const after: string[] = [];
        // What came up while it was read comes with the runs that follow.
        for (let runs = 0; runs < 3; runs += 1) after.push(...idsOf(await world.run(config)));
        const what = `after ${count} events`;
        expect([...new Set([...before, ...after])].sort(), what).toEqual([...expected()].sort());
        expect(new Set(after).size, what).toBe(after.length);
        expect(after, what).toContain(before.at(-1));
        if (!mayRepeat)
          expect(
            before.slice(0, -1).filter((id) => after.includes(id)),
            what,
          ).toEqual([]);
        expect(world.slack.violations).toEqual([]);
      }
    },
  );

  it('SL6: a page cursor that is not valid any more begins the range again', async () => {
    const channel = world.workspace.channel('general');
    channel.fill(9, { from: START, everyMs: 1_000 });
    world.slack.fail('conversations.history', 2, { kind: 'error', error: 'invalid_cursor' });
    const events = await world.run({ channels: [channel.id], pageSize: 3 });
    expect(textsOf(events)).toEqual(Array.from({ length: 9 }, (_, index) => `message ${index}`));
    expect(world.slack.count('conversations.history')).toBeGreaterThan(3);
  });

  it('SL6: a page cursor that is never valid is told, and the position stays', async () => {
    const channel = world.workspace.channel('general');
    channel.post({ text: 'first' });
    const config: SlackConfigInput = { channels: [channel.id], pageSize: 3, threads: false };
    await world.run(config);
    const before = await world.saved();
    channel.fill(9, { from: START + 1_000, everyMs: 1_000 });
    // Second, fourth and sixth: each time the one that goes on.
    for (const nth of [2, 4, 6, 8])
      world.slack.fail('conversations.history', nth, { kind: 'error', error: 'invalid_cursor' });
    await expect(world.run(config)).rejects.toMatchObject({ code: 'SLACK_PAGE_CURSOR' });
    expect(await world.saved()).toEqual(before);
    world.slack.clear();
    expect(await world.run(config)).toHaveLength(9);
  });
});

/** Two channels with threads, and things that happen between the requests; gives the ids of everything there is. */
function plant(): () => Set<string> {
  const general = world.workspace.channel('general');
  const random = world.workspace.channel('random', { type: 'private_channel' });
  const all = new Set<string>();
  const note = (channel: { id: string }, ts: string, suffix = ''): string => {
    all.add(`${channel.id}:${ts}${suffix}`);
    return ts;
  };
  for (const channel of [general, random]) {
    for (const ts of channel.fill(5, { from: START - 3_600_000, everyMs: 1_000 })) note(channel, ts);
  }
  const parent = note(general, general.post({ text: 'parent', at: START - 1_800_000 }));
  for (let count = 0; count < 4; count += 1) {
    note(
      general,
      general.reply(parent, { text: `reply ${count}`, at: START - 1_700_000 + count, broadcast: count === 2 }),
    );
  }
  note(general, general.post({ text: 'last', at: START - 600_000 }));
  world.slack.before('*', 4, () => note(general, general.post({ text: 'meanwhile', at: START - 500_000 })));
  world.slack.before('*', 6, () => note(random, random.join('U000000001', { at: START - 400_000 })));
  world.slack.before('*', 7, () => note(general, general.reply(parent, { text: 'late reply', at: START - 300_000 })));
  world.slack.before('*', 9, () => note(random, random.post({ text: 'more', at: START - 200_000 })));
  return () => all;
}
