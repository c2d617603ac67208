import { execFileSync } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { GitProcess } from '../../../src/sources/git/git-process.js';
import { describeGit } from '../../services/needs.js';
import { read, sourceOf, TestRepository } from './test-repository.js';

function importLarge(repository: TestRepository, count: number): void {
  const message = 'x'.repeat(400);
  const commits = Array.from({ length: count }, (_, index) => {
    const file = `M 100644 inline directory-${index % 13}/file-${index % 200}\ndata ${String(index).length}\n${index}`;
    return `commit refs/heads/main\ncommitter C <c@example.org> ${1_600_000_000 + index} +0000\ndata 400\n${message}\n${file}`;
  });
  repository.gitWith({ input: `${commits.join('\n')}\n` }, 'fast-import', '--quiet');
}

/** Processes that this one has started and that still run, or were not waited for. */
function children(): string[] {
  const lines = execFileSync('ps', ['-o', 'pid=,ppid=,comm='], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.trim().split(/\s+/)[1] === String(process.pid) && !line.includes('ps'));
}

describeGit('following', () => {
  it('brings what is new as it comes, and says that it has caught up in between', async () => {
    const repository = TestRepository.create();
    repository.commit('one');
    const source = await sourceOf(repository.dir, { pollIntervalMs: 10 });
    const events = source.generateEvents({ follow: true });
    expect((await events.next()).value).toMatchObject({ type: 'git.commit', data: { subject: 'one' } });
    expect((await events.next()).value).toMatchObject({ type: 'git.branch.created' });
    const pending = events.next();
    await expect.poll(() => source.getStatus().state).toBe('caught-up');
    const two = repository.commit('two');
    expect((await pending).value).toMatchObject({ id: two });
    expect((await events.next()).value).toMatchObject({ type: 'git.branch.updated' });
    await events.return();
    expect(children()).toEqual([]);
  });

  it('an idle poll is one process', async () => {
    const repository = TestRepository.create();
    repository.commit('one');
    const { cursor } = await read(repository);
    const source = await sourceOf(repository.dir, {}, cursor);
    for await (const event of source.generateEvents()) throw new Error(`unexpected ${event.type}`);
    expect(source.getStats().requests).toBe(1);
  });

  it('AG1: abort rejects with its reason, ends the process and leaves no listener', async () => {
    const repository = TestRepository.create();
    importLarge(repository, 3_000);
    for (const taken of [0, 1, 1_500]) {
      const source = await sourceOf(repository.dir);
      const controller = new AbortController();
      const reason = new Error('enough');
      const events = source.generateEvents({ signal: controller.signal });
      for (let count = 0; count < taken; count += 1) await events.next();
      if (taken === 0) setTimeout(() => controller.abort(reason), 5);
      else controller.abort(reason);
      await expect(events.next()).rejects.toBe(reason);
      await events.return();
      await expect.poll(children).toEqual([]);
      expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    }
  });

  it('AG2: break in the middle ends the process; a new iteration goes on with the event in hand', async () => {
    const repository = TestRepository.create();
    importLarge(repository, 2_000);
    const source = await sourceOf(repository.dir);
    let last = '';
    for await (const event of source.generateEvents({ limit: 1_500 })) {
      last = event.id;
      if (event.type === 'git.commit' && source.getStats().events > 1_200) break;
    }
    expect(children()).toEqual([]);
    const again = source.generateEvents();
    expect((await again.next()).value).toMatchObject({ id: last });
    await again.return();
    expect(children()).toEqual([]);
  });

  it('validate can be aborted, and leaves no listener', async () => {
    const repository = TestRepository.create();
    const controller = new AbortController();
    const source = await sourceOf(repository.dir);
    expect(await source.validate({ signal: controller.signal })).toMatchObject({
      ok: true,
      problems: [{ code: 'GIT_EMPTY' }],
    });
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    controller.abort(new Error('enough'));
    await expect(source.validate({ signal: controller.signal })).rejects.toThrow('enough');
    expect(source.getCursor()).toBeUndefined();
  });
});

describeGit('large repositories', () => {
  it('reads 20,000 commits in bounded memory while the consumer is slow, and stops reading meanwhile', async () => {
    const repository = TestRepository.create();
    importLarge(repository, 20_000);
    const source = await sourceOf(repository.dir);
    let commits = 0;
    let bytesWhileWaiting = 0;
    let highest = 0;
    const before = process.memoryUsage().rss;
    for await (const event of source.generateEvents()) {
      if (event.type === 'git.commit') commits += 1;
      if (commits === 100) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        bytesWhileWaiting = source.getStats().bytes;
      }
      if (commits % 2_000 === 0) highest = Math.max(highest, process.memoryUsage().rss);
    }
    expect(commits).toBe(20_000);
    expect(source.getStats().bytes).toBeGreaterThan(12_000_000);
    expect(bytesWhileWaiting).toBeLessThan(4_000_000);
    expect(highest - before).toBeLessThan(120 * 1024 * 1024);
  });

  it('reads 2,000 refs, and finds the one that moved', async () => {
    const repository = TestRepository.create();
    const one = repository.commit('one');
    const names = Array.from({ length: 2_000 }, (_, index) => `refs/heads/branch-${index}`);
    repository.gitWith({ input: names.map((name) => `create ${name} ${one}\n`).join('') }, 'update-ref', '--stdin');
    const first = await read(repository);
    expect(first.events).toHaveLength(2_002);
    const two = repository.commit('two');
    repository.git('update-ref', 'refs/heads/branch-77', two);
    const second = await read(repository, {}, first.cursor);
    expect(second.events.map(({ type, subject }) => [type, subject])).toEqual([
      ['git.commit', two],
      ['git.branch.updated', 'refs/heads/branch-77'],
      ['git.branch.updated', 'refs/heads/main'],
    ]);
  });

  it('says what failed when git is stopped from outside', async () => {
    const repository = TestRepository.create();
    repository.commit('one');
    const { signal } = new AbortController();
    const git = new GitProcess({ directory: repository.dir, trustOwner: false, signal });
    await expect(git.run(['no-such-command'])).rejects.toMatchObject({ code: 'GIT_FAILED' });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});
