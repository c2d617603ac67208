import { expect, it } from 'vitest';
import { githubForEach, type StartedGithub } from '../../services/github/for-each.js';
import type { Repository } from '../../services/github/repository.js';
import { errorOf, idsOf, read, sourceOf } from './reading.js';

let github: StartedGithub;
let repository: Repository;
githubForEach((started) => {
  github = started;
  repository = started.server.repository('octo/spoon');
});
const config = { streams: ['events' as const] };

it('GH9: numbers of events are compared as numbers', async () => {
  repository.event({ id: '9' });
  await github.clock.advance(60_000);
  const first = await read(github, config);
  repository.event({ id: '10' });
  await github.clock.advance(60_000);
  const second = await read(github, config, { cursor: first.cursor });
  expect(idsOf(second.events)).toEqual(['event:10']);
});

it('GH9: when more happened than GitHub keeps it is a gap, and with emit it goes on with the oldest there is', async () => {
  repository.event();
  await github.clock.advance(60_000);
  const { cursor } = await read(github, config);
  for (let count = 0; count < 310; count += 1) repository.event();
  await github.clock.advance(60_000);
  const source = await sourceOf(github, config, { cursor });
  const error = await errorOf(
    (async () => {
      for await (const _ of source.generateEvents());
    })(),
  );
  expect(error).toMatchObject({ name: 'GapError', gap: { data: { reason: 'window-exceeded' } } });
  const { events } = await read(github, config, { cursor, onGap: 'emit' });
  expect(events.filter(({ type }) => type === 'headwater.gap')).toHaveLength(1);
  expect(new Set(idsOf(events)).size).toBe(301);
  const again = await read(github, config, { cursor: (await read(github, config, { cursor, onGap: 'emit' })).cursor });
  expect(again.events).toEqual([]);
});

it('GH9: no gap where nothing was lost', async () => {
  repository.event();
  await github.clock.advance(60_000);
  const { cursor } = await read(github, config);
  for (let count = 0; count < 120; count += 1) repository.event();
  await github.clock.advance(60_000);
  const { events } = await read(github, config, { cursor });
  expect(new Set(idsOf(events)).size).toBe(120);
});

it('GH9: it is not asked more often than GitHub says', async () => {
  repository.event();
  github.server.settings.pollIntervalSeconds = 120;
  const source = await sourceOf(github, { ...config, pollIntervalMs: 30_000 });
  const controller = new AbortController();
  const reading = (async () => {
    for await (const _ of source.generateEvents({ follow: true, signal: controller.signal }));
  })();
  await expect.poll(() => source.getStatus().state).toBe('caught-up');
  github.server.forgetRequests();
  for (let count = 0; count < 3; count += 1) {
    await github.clock.advance(30_000);
    await expect.poll(() => github.clock.sleeping).toBe(1);
  }
  expect(github.server.requests).toEqual([]);
  await github.clock.advance(60_000);
  await expect.poll(() => github.server.requests.length).toBeGreaterThan(0);
  controller.abort(new Error('enough'));
  await expect(reading).rejects.toThrow('enough');
});
