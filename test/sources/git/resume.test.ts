import { expect, it } from 'vitest';
import type { GitCursor, GitEvent } from '../../../src/sources/git/index.js';
import { describeGit } from '../../services/needs.js';
import { type Config, ofType, read, sourceOf, subjectsOf, TestRepository, throughJson } from './test-repository.js';

/** A history with branches, merges, tags and files. */
function branchyRepository(): TestRepository {
  const repository = TestRepository.create();
  for (let round = 0; round < 4; round += 1) {
    repository.commit(`main ${round}`, { files: { main: `${round}` } });
    repository.git('switch', '--quiet', '--create', `side-${round}`);
    repository.commit(`side ${round}`, { files: { [`side-${round}`]: '1' }, date: 1_600_000_000 - round });
    repository.git('switch', '--quiet', 'main');
    repository.merge(`side-${round}`, `merge ${round}`);
    repository.git('tag', '--annotate', '--message', `v${round}`, `v${round}`);
  }
  return repository;
}

/** Takes `count` events and gives up without asking for another, as a process that is killed does. */
async function readSome(dir: string, count: number, config: Config, cursor?: GitCursor) {
  const source = await sourceOf(dir, config, cursor);
  const events: GitEvent[] = [];
  for await (const event of source.generateEvents()) {
    events.push(event);
    if (events.length === count) break;
  }
  return { events, cursor: throughJson(source.getCursor()) };
}

describeGit('resuming', () => {
  const configs: Config[] = [{}, { firstParent: true }, { maxCommits: 7 }, { paths: ['main'], files: false }];

  it.each(configs)(
    'X1: after being killed at any event the union is complete and only one event repeats: %j',
    async (config) => {
      const repository = branchyRepository();
      const { events: all } = await read(repository, config);
      for (let killed = 1; killed <= all.length; killed += 1) {
        const first = await readSome(repository.dir, killed, config);
        const second = await read(repository, config, first.cursor);
        expect([...first.events.slice(0, -1), ...second.events]).toEqual(all);
      }
    },
  );

  it('goes on with a pass as it was pinned, even though the refs have moved in between; then brings the rest', async () => {
    const repository = branchyRepository();
    const { events: all } = await read(repository);
    const first = await readSome(repository.dir, 5, {});
    repository.commit('later');
    repository.git('branch', '--delete', '--force', 'side-1');
    repository.git('tag', '--delete', 'v2');
    const { events } = await read(repository, {}, first.cursor);
    const delivered = [...first.events.slice(0, -1), ...events];
    expect(delivered.slice(0, all.length)).toEqual(all);
    expect(delivered.slice(all.length).map(({ type }) => type)).toEqual([
      'git.commit',
      'git.branch.updated',
      'git.branch.deleted',
      'git.tag',
    ]);
  });

  it('resumes in the middle of a large pass by reading only what is left', async () => {
    const repository = TestRepository.create();
    importCommits(repository, 2_500);
    const first = await readSome(repository.dir, 2_301, {});
    expect(first.cursor?.pass).toMatchObject({ commits: 2_300 });
    const source = await sourceOf(repository.dir, {}, first.cursor);
    const subjects: string[] = [];
    for await (const event of source.generateEvents())
      if (event.type === 'git.commit') subjects.push(event.data.subject);
    expect(subjects).toEqual(Array.from({ length: 200 }, (_, index) => `commit ${2_300 + index}`));
    expect(source.getStats().bytes).toBeLessThan(200_000);
  });

  it('begins the pass again where the walk is not what it was: repeats, but loses nothing', async () => {
    const repository = branchyRepository();
    const { events: all } = await read(repository);
    const { cursor } = await readSome(repository.dir, 6, {});
    const wrong = { ...cursor, pass: { ...cursor?.pass, after: repository.git('rev-parse', 'main') } } as GitCursor;
    expect((await read(repository, {}, wrong)).events).toEqual(all);
    const beyond = { ...cursor, pass: { ...cursor?.pass, commits: 1_000 } } as GitCursor;
    expect((await read(repository, {}, beyond)).events).toEqual(all);
  });

  it('begins the pass again when the settings were changed in between', async () => {
    const repository = branchyRepository();
    const { cursor } = await readSome(repository.dir, 6, { paths: ['main'] });
    const { events } = await read(repository, {}, cursor);
    expect(subjectsOf(events)).toEqual(subjectsOf((await read(repository)).events));
  });

  it('the cursor is small JSON, without a pass once it is finished', async () => {
    const repository = branchyRepository();
    const { cursor } = await read(repository);
    expect(cursor?.pass).toBeUndefined();
    expect(Object.keys(cursor?.refs ?? {})).toHaveLength(9);
    expect(JSON.stringify(cursor).length).toBeLessThan(1_500);
  });

  it('batches carry cursors that go on exactly after them', async () => {
    const repository = branchyRepository();
    const { events: all } = await read(repository);
    const source = await sourceOf(repository.dir);
    const seen: GitEvent[] = [];
    for await (const batch of source.generateBatches({ maxEvents: 3 })) {
      seen.push(...batch.events);
      const rest = await read(repository, {}, throughJson(batch.cursor));
      expect([...seen, ...rest.events]).toEqual(all);
    }
    expect(ofType(seen, 'git.tag')).toHaveLength(4);
  });
});

function importCommits(repository: TestRepository, count: number): void {
  const commits = Array.from({ length: count }, (_, index) =>
    [
      `commit refs/heads/main\ncommitter C <c@example.org> ${1_600_000_000 + index} +0000`,
      `data ${`commit ${index}`.length}\ncommit ${index}`,
      `M 100644 inline file-${index % 50}\ndata ${String(index).length}\n${index}`,
    ].join('\n'),
  );
  repository.gitWith({ input: `${commits.join('\n')}\n` }, 'fast-import', '--quiet');
}
