import fc from 'fast-check';
import type { GitCursor } from 'headwater/sources/git';
import { expect, it } from 'vitest';
import { describeGit } from '../../services/needs.js';
import {
  type Config,
  commitsOf,
  ofType,
  read,
  refEventsOf,
  sourceOf,
  subjectsOf,
  TestRepository,
  temporaryDirectory,
} from './test-repository.js';

describeGit('which commits', () => {
  it('GT1: delivers a merged branch with commits dated five years ago completely, and once', async () => {
    const repository = TestRepository.create();
    repository.commit('base');
    const first = await read(repository);
    repository.git('switch', '--quiet', '--create', 'old');
    const old = [1, 2, 3].map((number) => repository.commit(`old ${number}`, { date: 1_540_000_000 + number }));
    repository.git('switch', '--quiet', 'main');
    repository.commit('on main', { date: 1_700_001_000 });
    repository.merge('old', 'merge');
    const second = await read(repository, {}, first.cursor);
    expect(subjectsOf(second.events).sort()).toEqual(['merge', 'old 1', 'old 2', 'old 3', 'on main']);
    expect(commitsOf(second.events)).toEqual(expect.arrayContaining(old));
    expect((await read(repository, {}, second.cursor)).events).toEqual([]);
  });

  it('GT9: delivers parents before children, each commit once, in any history', async () => {
    const history = fc.array(fc.array(fc.nat({ max: 30 }), { maxLength: 3 }), { minLength: 2, maxLength: 30 });
    const property = fc.asyncProperty(history, fc.array(fc.nat({ max: 10_000 }), { minLength: 30 }), deliversInOrder);
    await fc.assert(property, { numRuns: 25 });
  });

  it('takes since as a filter that does not stop the walk', async () => {
    const repository = TestRepository.create();
    repository.commit('base', { date: 1_700_000_000 });
    repository.commit('skewed', { date: 1_600_000_000 });
    repository.commit('later', { date: 1_700_000_200 });
    const since = new Date(1_650_000_000_000);
    expect(subjectsOf((await read(repository, { since })).events)).toEqual(['base', 'later']);
    expect(subjectsOf((await read(repository, { since: since.toISOString() })).events)).toEqual(['base', 'later']);
  });

  it('follows only first parents when asked, and misses none of them when a side branch shows up later', async () => {
    const repository = TestRepository.create();
    repository.commit('base');
    repository.git('switch', '--quiet', '--create', 'side');
    repository.commit('side 1', { files: { side: '1' } });
    repository.git('switch', '--quiet', 'main');
    repository.merge('side', 'merge');
    const config: Config = { firstParent: true, refs: ['main', 'later'] };
    const first = await read(repository, { ...config, refs: ['main'] });
    expect(subjectsOf(first.events)).toEqual(['base', 'merge']);
    expect(ofType(first.events, 'git.commit')[1]?.data.files).toEqual([{ path: 'side', status: 'added' }]);
    repository.git('branch', 'later', 'side');
    expect(subjectsOf((await read(repository, config, first.cursor)).events)).toEqual(['side 1']);
  });

  it('limits a first sync to the newest commits by date, over all branches; later runs bring all that is new', async () => {
    const repository = TestRepository.create();
    for (const number of [1, 2, 3]) repository.commit(`main ${number}`);
    repository.git('switch', '--quiet', '--create', 'other', 'HEAD~2');
    repository.commit('other');
    const first = await read(repository, { maxCommits: 2 });
    expect(subjectsOf(first.events)).toEqual(['main 3', 'other']);
    for (const number of [1, 2, 3]) repository.commit(`new ${number}`);
    const second = await read(repository, { maxCommits: 2 }, first.cursor);
    expect(subjectsOf(second.events)).toEqual(['new 1', 'new 2', 'new 3']);
  });

  it('brings the same commits for paths whenever it is run, also those that a merge undid', async () => {
    const repository = TestRepository.create();
    repository.commit('base', { files: { 'docs/a.md': '1', 'src/a.ts': '1' } });
    repository.git('switch', '--quiet', '--create', 'side');
    repository.commit('side docs', { files: { 'docs/a.md': '2' } });
    repository.commit('side code', { files: { 'src/a.ts': '2' } });
    repository.git('switch', '--quiet', 'main');
    const first = await read(repository, { paths: ['docs/**'], refs: ['main'] });
    repository.git('merge', '--quiet', '--strategy=ours', '--no-ff', '--message', 'ours', 'side');
    const second = await read(repository, { paths: ['docs/**'], refs: ['main'] }, first.cursor);
    const { events } = await read(repository, { paths: ['docs/**'], refs: ['main'] });
    expect(subjectsOf(events)).toContain('side docs');
    expect(subjectsOf(events)).not.toContain('side code');
    expect([...subjectsOf(first.events), ...subjectsOf(second.events)].sort()).toEqual(subjectsOf(events).sort());
    expect(ofType(events, 'git.commit')[0]?.data.files).toEqual([{ path: 'docs/a.md', status: 'added' }]);
  });

  it('takes paths as they are written, with spaces and brackets escaped by the host', async () => {
    const repository = TestRepository.create();
    repository.commit('one', { files: { 'my docs/a b.md': '1', other: '1' } });
    repository.commit('two', { files: { other: '2' } });
    expect(subjectsOf((await read(repository, { paths: ['my docs/*.md'] })).events)).toEqual(['one']);
    expect(subjectsOf((await read(repository, { paths: ['*.md'] })).events)).toEqual([]);
  });
});

/** Builds a history where each commit has some of the earlier ones as parents, and reads it in two runs. */
async function deliversInOrder(parentChoices: number[][], dates: number[]): Promise<void> {
  const dir = temporaryDirectory();
  const repository = new TestRepository(dir);
  repository.git('init', '--quiet', '--bare', '--initial-branch=main', '.');
  const half = Math.ceil(parentChoices.length / 2);
  importHistory(repository, parentChoices.slice(0, half), dates, 0);
  const first = await read(repository, { files: false });
  importHistory(repository, parentChoices.slice(half), dates, half);
  const second = await read(repository, { files: false }, first.cursor);
  const delivered = [...first.events, ...second.events];
  const seen = new Set<string>();
  for (const { data } of ofType(delivered, 'git.commit')) {
    expect(data.parents.every((parent) => seen.has(parent))).toBe(true);
    expect(seen.has(data.sha)).toBe(false);
    seen.add(data.sha);
  }
  expect([...seen].sort()).toEqual(repository.allCommits());
}

function importHistory(repository: TestRepository, parentChoices: number[][], dates: number[], from: number): void {
  const lines = parentChoices.flatMap((choices, index) => {
    const number = from + index;
    const parents = number === 0 ? [] : [...new Set(choices.map((choice) => choice % number))];
    const date = 1_600_000_000 + (dates[number] ?? 0);
    return [
      `commit refs/heads/commit-${number}`,
      `committer C <c@example.org> ${date} +0000`,
      `data 3\nc${String(number).padStart(2, '0')}`,
      ...parents.map((parent, order) => `${order === 0 ? 'from' : 'merge'} refs/heads/commit-${parent}`),
    ];
  });
  repository.gitWith({ input: `${lines.join('\n')}\n` }, 'fast-import', '--quiet');
}

describeGit('files', () => {
  it('GT8: tells renames with a limit, or as a deletion and an addition; merges have no files unless asked', async () => {
    const repository = TestRepository.create();
    const text = 'a line\n'.repeat(20);
    repository.commit('one', { files: { 'old name': text } });
    repository.git('mv', 'old name', 'new name');
    repository.commit('renamed');
    repository.git('switch', '--quiet', '--create', 'side');
    repository.commit('side', { files: { side: '1' } });
    repository.git('switch', '--quiet', 'main');
    repository.commit('main', { files: { main: '1' } });
    repository.merge('side', 'merge');
    const filesOf = async (config: Config) =>
      Object.fromEntries(
        ofType((await read(repository, config)).events, 'git.commit').map(({ data }) => [data.subject, data.files]),
      );
    const files = await filesOf({});
    expect(files['renamed']).toEqual([{ path: 'new name', previousPath: 'old name', status: 'renamed' }]);
    expect(files['merge']).toBeUndefined();
    expect((await filesOf({ firstParent: true }))['merge']).toEqual([{ path: 'side', status: 'added' }]);
    expect((await filesOf({ renames: false }))['renamed']).toEqual([
      { path: 'new name', status: 'added' },
      { path: 'old name', status: 'deleted' },
    ]);
    expect((await filesOf({ files: false }))['renamed']).toBeUndefined();
  });

  it('GT8: delivers a submodule change with its old and new commit, and never reads the submodule', async () => {
    const repository = TestRepository.create();
    const [one, two] = ['1'.repeat(40), '2'.repeat(40)];
    const point = (sha: string): void => {
      repository.git('update-index', '--add', '--cacheinfo', `160000,${sha},module`);
      repository.git('commit', '--quiet', '--message', `module at ${sha.slice(0, 1)}`);
    };
    repository.commit('base');
    point(one);
    point(two);
    repository.git('rm', '--quiet', '--cached', 'module');
    repository.git('commit', '--quiet', '--message', 'removed');
    const files = ofType((await read(repository)).events, 'git.commit').map(({ data }) => data.files);
    expect(files).toEqual([
      [],
      [{ path: 'module', status: 'added', submodule: { to: one } }],
      [{ path: 'module', status: 'modified', submodule: { from: one, to: two } }],
      [{ path: 'module', status: 'deleted', submodule: { from: two } }],
    ]);
  });

  it('counts lines when asked, of renames too, and says null for binary files', async () => {
    const repository = TestRepository.create();
    const lines = 'line\n'.repeat(20);
    repository.commit('one', { files: { text: lines, binary: Buffer.from([0, 1, 2]) } });
    repository.git('mv', 'text', 'moved');
    repository.commit('two', { files: { moved: `${lines}more\n`, 'tab\tand\nline': 'x\n' } });
    const files = ofType((await read(repository, { numstat: true })).events, 'git.commit').map(
      ({ data }) => data.files,
    );
    expect(files).toEqual([
      [
        { path: 'binary', status: 'added', additions: null, deletions: null },
        { path: 'text', status: 'added', additions: 20, deletions: 0 },
      ],
      [
        { path: 'moved', previousPath: 'text', status: 'renamed', additions: 1, deletions: 0 },
        { path: 'tab\tand\nline', status: 'added', additions: 1, deletions: 0 },
      ],
    ]);
  });

  it('gives the same events whatever the configuration of the repository says', async () => {
    const repository = TestRepository.create();
    repository.commit('one', { files: { 'b ü': 'text\n'.repeat(9), a: '1' } });
    repository.git('mv', 'b ü', 'c');
    repository.commit('two');
    const plain = (await read(repository, { numstat: true })).events;
    const settings = [
      'log.follow=true',
      'log.date=raw',
      'log.mailmap=true',
      'log.showRoot=false',
      'log.decorate=full',
      'log.diffMerges=separate',
      'log.abbrevCommit=true',
      'diff.renames=false',
      'diff.renameLimit=1',
      'diff.noprefix=true',
      'diff.ignoreSubmodules=all',
      'diff.relative=true',
      'diff.orderFile=order',
      'diff.algorithm=patience',
      'core.quotePath=true',
      'core.abbrev=5',
      'format.pretty=oneline',
      'color.ui=always',
      'color.diff=always',
      'i18n.logOutputEncoding=latin1',
      'notes.displayRef=refs/notes/*',
      'core.logAllRefUpdates=false',
    ];
    for (const setting of settings) repository.git('config', ...(setting.split('=') as [string, string]));
    repository.write('order', 'c\na\n');
    repository.write('.mailmap', 'Other <other@example.org> <ann@example.org>\n');
    expect((await read(repository, { numstat: true })).events).toEqual(plain);
  });
});

describeGit('which refs', () => {
  it('GT3: creates, updates, moves and deletes branches and tags; a commit of two branches comes once', async () => {
    const repository = TestRepository.create();
    const one = repository.commit('one');
    repository.git('branch', 'twin');
    repository.git('tag', 'light');
    repository.git('tag', '--annotate', '--message', 'Release\n\nnotes', 'v1');
    const first = await read(repository);
    expect(commitsOf(first.events)).toEqual([one]);
    expect(ofType(first.events, 'git.commit')[0]?.data.refs).toEqual([
      'refs/heads/main',
      'refs/heads/twin',
      'refs/tags/light',
      'refs/tags/v1',
    ]);
    expect(refEventsOf(first.events)).toEqual(['created main', 'created twin', 'tag created light', 'tag created v1']);
    const tag = ofType(first.events, 'git.tag')[1];
    expect(tag?.data).toEqual({
      change: 'created',
      name: 'v1',
      ref: 'refs/tags/v1',
      sha: repository.git('rev-parse', 'v1'),
      target: one,
      annotated: true,
      tagger: { name: 'Carl Committer', email: 'carl@example.org', time: '2023-11-15T03:44:20+05:30' },
      message: 'Release\n\nnotes',
    });
    expect(tag?.time).toBe('2023-11-15T03:44:20+05:30');
    const two = repository.commit('two');
    repository.git('branch', '--delete', '--force', 'twin');
    repository.git('tag', '--force', 'light', two);
    repository.git('tag', '--delete', 'v1');
    const second = await read(repository, {}, first.cursor);
    expect(refEventsOf(second.events)).toEqual(['updated main', 'deleted twin', 'tag moved light', 'tag deleted v1']);
    expect(ofType(second.events, 'git.tag')[0]?.data).toMatchObject({ sha: two, previous: one, annotated: false });
    expect(ofType(second.events, 'git.branch.deleted')[0]?.data).toMatchObject({ name: 'twin', previousSha: one });
    expect(ofType(second.events, 'git.branch.updated')[0]?.data).toEqual({
      ref: 'refs/heads/main',
      name: 'main',
      sha: two,
      previousSha: one,
    });
  });

  it('GT3: follows HEAD while it is detached, and reads a repository without commits', async () => {
    const repository = TestRepository.create();
    const empty = await read(repository);
    expect(empty).toEqual({ events: [], cursor: undefined });
    expect((await read(repository, { refs: ['main'] })).events).toEqual([]);
    repository.commit('one');
    repository.git('switch', '--quiet', '--detach');
    const detached = repository.commit('detached');
    const first = await read(repository);
    expect(refEventsOf(first.events)).toEqual(['created HEAD', 'created main']);
    expect(commitsOf(first.events)).toContain(detached);
    repository.git('switch', '--quiet', 'main');
    const second = await read(repository, {}, first.cursor);
    expect(refEventsOf(second.events)).toEqual(['deleted HEAD']);
    const head = await read(repository, { refs: ['HEAD'] });
    expect(refEventsOf(head.events)).toEqual(['created HEAD']);
  });

  it('delivers commits before the refs that point at them', async () => {
    const repository = TestRepository.create();
    repository.commit('one');
    repository.git('tag', 'v1');
    const types = (await read(repository)).events.map(({ type }) => type);
    expect(types).toEqual(['git.commit', 'git.branch.created', 'git.tag']);
  });

  it('A -> B -> A makes three events with different ids, also across a deletion', async () => {
    const repository = TestRepository.create();
    const one = repository.commit('one');
    const two = repository.commit('two');
    repository.git('branch', 'moving', one);
    const ids: string[] = [];
    let cursor: GitCursor | undefined;
    const next = async () => {
      const result = await read(repository, { refs: ['moving'] }, cursor);
      cursor = result.cursor;
      ids.push(...result.events.filter(({ type }) => type !== 'git.commit').map(({ id }) => id));
    };
    await next();
    for (const sha of [two, one, two, one]) {
      repository.git('update-ref', 'refs/heads/moving', sha);
      await next();
    }
    for (const round of [1, 2]) {
      repository.git('update-ref', '-d', 'refs/heads/moving');
      await next();
      repository.git('update-ref', 'refs/heads/moving', one);
      await next();
      expect(ids).toHaveLength(5 + 2 * round);
    }
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('ids are the same in two runs and two processes', async () => {
    const repository = TestRepository.create();
    repository.commit('one');
    repository.git('tag', 'v1');
    const ids = async () => (await read(repository)).events.map(({ id, source }) => [source, id]);
    expect(await ids()).toEqual(await ids());
  });

  it('selects by name, by full name and by glob, and leaves what is no longer selected alone', async () => {
    const repository = TestRepository.create();
    repository.commit('one');
    for (const name of ['release/1', 'release/2', 'release/a/b', 'other']) repository.git('branch', name);
    repository.git('tag', 'v1.0');
    const selected = async (...refs: string[]) => refEventsOf((await read(repository, { refs })).events);
    expect(await selected('release/*')).toEqual(['created release/1', 'created release/2']);
    expect(await selected('release/**', 'v*')).toEqual([
      'created release/1',
      'created release/2',
      'created release/a/b',
      'tag created v1.0',
    ]);
    expect(await selected('refs/heads/other', 'v1.0')).toEqual(['created other', 'tag created v1.0']);
    const all = await read(repository);
    expect((await read(repository, { refs: ['main'] }, all.cursor)).events).toEqual([]);
  });

  it('refuses a name that does not exist', async () => {
    const repository = TestRepository.create();
    repository.commit('one');
    await expect(read(repository, { refs: ['mian'] })).rejects.toMatchObject({
      code: 'GIT_UNKNOWN_REF',
      message: expect.stringContaining('"mian"'),
    });
    const validation = await (await sourceOf(repository.dir, { refs: ['mian'] })).validate();
    expect(validation).toMatchObject({ ok: false, problems: [{ code: 'GIT_UNKNOWN_REF' }] });
  });

  it('keeps names apart that are not UTF-8, and tags of things that are not commits', async () => {
    const repository = TestRepository.create();
    const one = repository.commit('one', { files: { a: '1' } });
    const lines = Buffer.concat([
      Buffer.from('create refs/heads/a'),
      Buffer.from([0xff]),
      Buffer.from(` ${one}\n`),
      Buffer.from('create refs/heads/a'),
      Buffer.from([0xfe]),
      Buffer.from(` ${one}\n`),
    ]);
    repository.gitWith({ input: lines }, 'update-ref', '--stdin');
    repository.git('tag', 'a-tree', 'HEAD^{tree}');
    repository.git('tag', '--annotate', '--message', 'blob', 'a-blob', 'HEAD:a');
    const { events, cursor } = await read(repository);
    expect(refEventsOf(events)).toEqual([
      'created a\\xfe',
      'created a\\xff',
      'created main',
      'tag created a-blob',
      'tag created a-tree',
    ]);
    expect(ofType(events, 'git.tag')[0]?.data).toMatchObject({
      annotated: true,
      target: repository.git('rev-parse', 'HEAD:a'),
    });
    expect((await read(repository, {}, cursor)).events).toEqual([]);
  });
});
