import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { ConfigError, CursorError, GapError, NotFoundError, PermissionError } from '../../../src/core/errors.js';
import { gitEnvironment } from '../../../src/sources/git/environment.js';
import { describeGit } from '../../services/needs.js';
import {
  commitsOf,
  ofType,
  read,
  sourceOf,
  subjectsOf,
  TestRepository,
  temporaryDirectory,
} from './test-repository.js';

const PATH = process.env['PATH'];
afterEach(() => {
  process.env['PATH'] = PATH;
});

/** Puts a program named git before the real one. */
function replaceGit(script: string): void {
  const dir = temporaryDirectory();
  writeFileSync(join(dir, 'git'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  process.env['PATH'] = `${dir}:${PATH}`;
}

/** A git that writes down how it was called and with what environment, and then does its work. */
function recordGit(): { calls(): string[][]; environments(): string[] } {
  const record = temporaryDirectory();
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  replaceGit(
    [
      `name="${record}/$$"`,
      'for argument in "$@"; do printf "%s\\0" "$argument" >> "$name.arguments"; done',
      'env > "$name.environment"',
      `exec ${real} "$@"`,
    ].join('\n'),
  );
  const read = (ending: string): string[] => {
    const names = readdirSync(record).filter((name) => name.endsWith(ending));
    return names.map((name) => execFileSync('cat', [join(record, name)], { encoding: 'utf8' }));
  };
  return {
    calls: () => read('.arguments').map((text) => text.split('\0').slice(0, -1)),
    environments: () => read('.environment'),
  };
}

describeGit('input', () => {
  const bad = [
    { refs: ['--output=/tmp/x'] },
    { refs: ['a..b'] },
    { refs: ['main@{1}'] },
    { refs: ['a b'] },
    { refs: ['a\0b'] },
    { refs: ['a\nb'] },
    { refs: ['^main'] },
    { refs: ['main~1'] },
    { refs: ['main:file'] },
    { refs: [''] },
    { refs: [] },
    { paths: ['--output=/tmp/x'] },
    { paths: ['a/../../b'] },
    { paths: ['a@{b'] },
    { paths: ['a\0b'] },
    { paths: ['a\nb'] },
    { paths: [':(exclude)a'] },
    { paths: ['/etc/passwd'] },
    { paths: [''] },
    { dir: '-x' },
    { dir: 'a\0b' },
    { dir: 'a\nb' },
    { dir: '' },
    { dir: 'https://user:secret@example.org/r.git' },
    { maxCommits: 0 },
    { maxCommits: 1.5 },
    { since: 'yesterday' },
    { since: '--all' },
    { pollIntervalMs: -1 },
    { files: false, numstat: true },
    { unknown: true },
  ];

  it.each(bad)('GT5: %j is refused before anything is started', async (config) => {
    replaceGit('echo started >> "$0.started"; exit 1');
    await expect(sourceOf('.', config)).rejects.toBeInstanceOf(ConfigError);
    await expect(sourceOf('.', config)).rejects.not.toThrow('secret');
    expect(existsSync(`${process.env['PATH']?.split(':')[0]}/git.started`)).toBe(false);
  });

  it('GT5: names what is misspelt, and every problem at once', async () => {
    const failure = await sourceOf('.', { refs: ['-x', 'a..b'], ref: ['main'] } as object).catch((error) => error);
    expect(failure.problems.map(({ message }: { message: string }) => message)).toEqual([
      expect.stringContaining('config.ref is not a known key'),
      expect.stringContaining('config.refs.0'),
      expect.stringContaining('config.refs.1'),
    ]);
    expect(failure.problems[0].fix).toContain('"refs"');
  });

  it('GT5: a cursor that is not one of ours never reaches git', async () => {
    const repository = TestRepository.create();
    repository.commit('one');
    const output = join(temporaryDirectory(), 'written');
    const cursors = [
      { refs: { 'refs/heads/main': { sha: `--output=${output}`, revision: 1 } }, floor: 0 },
      { refs: { '--all': { sha: 'a'.repeat(40), revision: 1 } }, floor: 0 },
      { refs: {}, floor: 0, pass: { refs: {}, walk: '', commits: 1, events: -1 } },
      { lastId: 7 },
      'text',
    ];
    for (const cursor of cursors) await expect(read(repository, {}, cursor as never)).rejects.toThrow(CursorError);
    expect(existsSync(output)).toBe(false);
  });

  it('GT5: every command line has the flags that keep git from running or asking anything, and a closed environment', async () => {
    const repository = TestRepository.create();
    repository.commit('one', { files: { a: '1' } });
    repository.git('tag', '--annotate', '--message', 'v1', 'v1');
    repository.git('config', 'include.path', 'other');
    process.env['GIT_DIR'] = '/nonexistent';
    process.env['GIT_CONFIG_COUNT'] = '1';
    process.env['PLANTED_SECRET'] = 'planted';
    const recorded = recordGit();
    const first = await read(repository, { numstat: true, since: '2020-01-01', firstParent: true });
    repository.git('commit', '--quiet', '--amend', '--message', 'amended');
    await read(repository, { numstat: true }, first.cursor);
    await (await sourceOf(repository.dir)).validate();
    for (const name of ['GIT_DIR', 'GIT_CONFIG_COUNT', 'PLANTED_SECRET']) delete process.env[name];
    const calls = recorded.calls().filter((call) => call.includes('protocol.allow=never'));
    const commands = ['cat-file', 'config', 'diff-tree', 'for-each-ref', 'log', 'merge-base', 'rev-parse', 'version'];
    const seen = new Set(calls.map((call) => call.find((word) => commands.includes(word))));
    expect([...seen].sort()).toEqual(commands);
    for (const call of calls) {
      expect(call).toContain('--no-pager');
      for (const setting of ['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'gpg.program=false']) {
        expect(call).toContain(setting);
      }
      if (!call.includes('log') && !call.includes('diff-tree')) continue;
      expect(call.join(' ')).toMatch(/--no-ext-diff --no-textconv .*--end-of-options --/);
    }
    const environments = recorded.environments().filter((text) => text.includes('GIT_FLUSH=0'));
    expect(environments.length).toBeGreaterThanOrEqual(calls.length);
    for (const text of environments) {
      expect(text).toContain('GIT_TERMINAL_PROMPT=0');
      expect(text).not.toMatch(/planted|GIT_DIR=|GIT_CONFIG_COUNT/);
    }
  });

  it('inherits nothing but where to find programs, temporary files and home', () => {
    process.env['GIT_SSH_COMMAND'] = 'touch /tmp/x';
    const names = Object.keys(gitEnvironment('/some/repository'));
    delete process.env['GIT_SSH_COMMAND'];
    expect(names).not.toContain('GIT_SSH_COMMAND');
    expect(
      names.filter((name) => !name.startsWith('GIT_')).every((name) => /^(PATH|HOME|TMP|TEMP|LC_ALL)/.test(name)),
    ).toBe(true);
  });
});

describeGit('errors say what to do', () => {
  it('a missing directory, a file, a directory that is no repository, a directory inside of one', async () => {
    const dir = temporaryDirectory();
    await expect(read({ dir: join(dir, 'missing') })).rejects.toBeInstanceOf(NotFoundError);
    writeFileSync(join(dir, 'file'), '');
    await expect(read({ dir: join(dir, 'file') })).rejects.toThrow('is not a directory');
    await expect(read({ dir })).rejects.toMatchObject({ code: 'GIT_NOT_A_REPOSITORY' });
    const repository = TestRepository.create();
    repository.commit('one', { files: { 'inside/a': '1' } });
    await expect(read({ dir: join(repository.dir, 'inside') })).rejects.toThrow('parent directories are not searched');
    const validation = await (await sourceOf(dir)).validate();
    expect(validation).toMatchObject({ ok: false, problems: [{ code: 'GIT_NOT_A_REPOSITORY' }] });
  });

  it('git that is not installed, and git that is too old for what is asked', async () => {
    const repository = TestRepository.create();
    repository.commit('one');
    process.env['PATH'] = temporaryDirectory();
    await expect(read(repository)).rejects.toMatchObject({ code: 'GIT_NOT_INSTALLED' });
    const missing = await (await sourceOf(repository.dir)).validate();
    expect(missing).toMatchObject({ ok: false, problems: [{ code: 'GIT_NOT_INSTALLED' }] });
    process.env['PATH'] = PATH;
    const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
    replaceGit(`case "$*" in *version*) echo git version 2.30.2;; *) exec ${real} "$@";; esac`);
    await expect(read(repository, { since: '2020-01-01' })).rejects.toMatchObject({ code: 'GIT_TOO_OLD' });
    expect(await (await sourceOf(repository.dir, { firstParent: true })).validate()).toMatchObject({ ok: false });
    expect(subjectsOf((await read(repository)).events)).toEqual(['one']);
  });

  it('GT6: a repository of another owner is a PermissionError with its path, until it is said to be trusted', async () => {
    const repository = TestRepository.create();
    repository.commit('one');
    const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
    replaceGit(`GIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec ${real} "$@"`);
    const failure = await read(repository).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(PermissionError);
    expect(failure).toMatchObject({ code: 'GIT_DUBIOUS_OWNERSHIP', message: expect.stringContaining(repository.dir) });
    expect(await (await sourceOf(repository.dir)).validate()).toMatchObject({
      ok: false,
      problems: [{ code: 'GIT_DUBIOUS_OWNERSHIP' }],
    });
    expect(subjectsOf((await read(repository, { trustOwner: true })).events)).toEqual(['one']);
  });

  it('quotes git in short, without credentials', async () => {
    const repository = TestRepository.create();
    replaceGit(`echo "fatal: https://user:planted@example.org/r.git ${'x'.repeat(5_000)}" >&2; exit 3`);
    const failure = (await read(repository).catch((error: unknown) => error)) as Error;
    expect(failure.message).toContain('status 3');
    expect(failure.message).not.toContain('planted');
    expect(failure.message.length).toBeLessThan(500);
  });

  it('objects that are missing are named as such', async () => {
    const repository = TestRepository.create();
    repository.commit('one', { files: { 'd/a': '1' } });
    repository.commit('two', { files: { 'd/a': '2' } });
    const tree = repository.git('rev-parse', 'HEAD~1:d');
    rmSync(join(repository.dir, '.git/objects', tree.slice(0, 2), tree.slice(2)));
    await expect(read(repository)).rejects.toMatchObject({ code: 'GIT_OBJECT_MISSING' });
  });
});

describeGit('origin', () => {
  it('is the directory itself, percent-encoded, whatever link leads to it; remotes never show', async () => {
    const dir = join(temporaryDirectory(), 'a b#ü');
    mkdirSync(dir);
    const repository = new TestRepository(dir);
    repository.git('init', '--quiet', '--initial-branch=main', '.');
    repository.git('remote', 'add', 'origin', 'https://user:planted@example.org/r.git');
    repository.commit('one');
    const link = join(temporaryDirectory(), 'link');
    symlinkSync(dir, link);
    const source = await sourceOf(link);
    expect(await source.origin()).toBe(pathToFileURL(dir).href);
    const { events, cursor } = await read({ dir: link });
    expect(events[0]?.source).toBe(pathToFileURL(dir).href);
    expect(JSON.stringify([events, cursor])).not.toContain('planted');
  });
});

/** Everything in a configuration file that names a command, pointed at one that leaves a trace. */
function plantTripwires(repository: TestRepository, command: string): void {
  const known = execFileSync('git', ['help', '-c'], { encoding: 'utf8' }).split('\n');
  const names = [...new Set([...known, ...ALWAYS_TRIED])].filter((name) => COMMANDS.test(name) && !SWITCHES.test(name));
  expect(names.length).toBeGreaterThan(40);
  const lines = names.flatMap((name) => {
    const key = name.replace(/<[^>]+>|\*/g, 'trip').split('.');
    const section = key.length > 2 ? `[${key[0]} "${key.slice(1, -1).join('.')}"]` : `[${key[0]}]`;
    return [section, `\t${key.at(-1)} = ${key[0] === 'alias' ? `!${command}` : command}`];
  });
  lines.push(
    '[log]',
    '\tshowSignature = true',
    '[core]',
    '\tattributesFile = .gitattributes',
    '[protocol]',
    '\tallow = always',
    '[protocol "ext"]',
    '\tallow = always',
    '[protocol "file"]',
    '\tallow = always',
    '[diff "trip"]',
    '\tbinary = false',
    '[remote "origin"]',
    `\turl = ext::${command}`,
    `\tuploadpack = ${command}`,
    '\tpromisor = true',
    '\tpartialclonefilter = blob:none',
    '[commit]',
    '\tgpgSign = true',
    '[maintenance]',
    '\tauto = true',
    `[url "ext::${command} "]`,
    '\tinsteadOf = file',
  );
  const config = join(repository.dir, '.git/config');
  writeFileSync(join(repository.dir, '.git/tripwires'), `${lines.join('\n')}\n`);
  writeFileSync(config, `[core]\n\trepositoryformatversion = 0\n\tbare = false\n[include]\n\tpath = tripwires\n`);
}

const ALWAYS_TRIED = [
  'core.fsmonitor',
  'core.pager',
  'core.editor',
  'core.hooksPath',
  'core.sshCommand',
  'core.askPass',
  'core.gitProxy',
  'core.alternateRefsCommand',
  'gpg.program',
  'gpg.openpgp.program',
  'gpg.ssh.program',
  'gpg.x509.program',
  'gpg.ssh.defaultKeyCommand',
  'diff.external',
  'diff.trip.command',
  'diff.trip.textconv',
  'filter.trip.clean',
  'filter.trip.smudge',
  'filter.trip.process',
  'credential.helper',
  'remote.origin.uploadpack',
  'remote.origin.receivepack',
  'remote.other.vcs',
  'sequence.editor',
  'pager.log',
  'pager.for-each-ref',
  'pager.config',
  'pager.diff-tree',
  'alias.log',
  'alias.diff-tree',
  'interactive.diffFilter',
  'merge.trip.driver',
  'mergetool.trip.cmd',
  'trailer.trip.command',
  'trailer.trip.cmd',
  'uploadpack.packObjectsHook',
  'browser.trip.cmd',
  'man.trip.cmd',
  'tar.trip.command',
  'imap.tunnel',
  'web.browser',
  'sendemail.sendmailCmd',
  'hook.trip.command',
];
const COMMANDS =
  /cmd|command|program|external|textconv|hooksPath|fsmonitor$|\.helper|askPass|gitProxy|pager|editor|sshCommand|clean$|smudge|process$|driver$|uploadpack$|receivepack|\.vcs|alias|diffFilter|packObjectsHook|tunnel|browser/i;

/** Keys whose names look like it, but that hold true or false, or words: a path would be an error. */
const SWITCHES = /^(?:advice|color|column|commit|rebase)\.|cachetextconv$|[^\w.<>*-]/i;

const HOOKS = [
  'post-index-change',
  'reference-transaction',
  'fsmonitor-watchman',
  'pre-auto-gc',
  'post-checkout',
  'query-watchman',
];

describeGit('a hostile repository', () => {
  it('runs nothing: every command in its configuration, attributes, hooks, signatures, replacements, grafts, promisor', async () => {
    const { repository, trace, one, blob } = hostileRepository();
    const config = { files: true } as const;
    const first = await read(repository, config);
    expect(subjectsOf(first.events)).toEqual(['one', 'two', 'signed']);
    expect(commitsOf(first.events)[0]).toBe(one);
    expect((await read(repository, config, first.cursor)).events).toEqual([]);
    await expect(read(repository, { numstat: true })).rejects.toMatchObject({ code: 'GIT_PARTIAL_CLONE' });
    const removed = { refs: { 'refs/heads/main': { sha: 'd'.repeat(40), revision: 1 } }, floor: 0 };
    await expect(read(repository, config, removed)).rejects.toBeInstanceOf(GapError);
    await read(repository, { since: '2001-01-01', firstParent: true, paths: ['**'], maxCommits: 2 });
    const source = await sourceOf(repository.dir, { numstat: true });
    expect(await source.validate()).toMatchObject({ ok: false, problems: [{ code: 'GIT_PARTIAL_CLONE' }] });
    await followTwoRounds(repository);
    restoreObject(repository, blob);
    writeFileSync(join(repository.dir, '.git/tripwires'), tripwiresWithoutPromisor(repository));
    expect(subjectsOf((await read(repository, { numstat: true })).events)).toEqual(['one', 'two', 'signed']);
    expect(existsSync(trace) ? readdirSync(trace) : []).toEqual([]);
  });

  it('the tripwires would trip: the usual commands do', async () => {
    const { repository, trace, blob } = hostileRepository();
    restoreObject(repository, blob);
    try {
      repository.git('log', '-p', '--ext-diff');
    } catch {
      // It is expected to fail once the planted commands have run.
    }
    await expect.poll(() => readdirSync(trace).length).toBeGreaterThan(0);
  });

  it('fetches nothing for objects that a partial clone lacks', async () => {
    const upstream = TestRepository.create();
    const text = 'line\n'.repeat(30);
    upstream.commit('one', { files: { a: text } });
    upstream.git('mv', 'a', 'b');
    upstream.commit('two', { files: { b: `${text}more\n` } });
    upstream.git('config', 'uploadpack.allowFilter', 'true');
    const clone = new TestRepository(temporaryDirectory());
    clone.git('clone', '--quiet', '--bare', '--filter=blob:none', `file://${upstream.dir}`, '.');
    const objects = () => clone.git('count-objects', '-v');
    const before = objects();
    const files = ofType((await read(clone)).events, 'git.commit').map(({ data }) => data.files);
    expect(files[1]).toEqual([
      { path: 'a', status: 'deleted' },
      { path: 'b', status: 'added' },
    ]);
    await expect(read(clone, { numstat: true })).rejects.toMatchObject({ code: 'GIT_PARTIAL_CLONE' });
    expect(objects()).toBe(before);
  });
});

function hostileRepository() {
  const repository = TestRepository.create();
  const one = repository.commit('one', {
    files: { a: 'a\n'.repeat(9), '.gitattributes': '* diff=trip filter=trip merge=trip\n' },
  });
  repository.git('mv', 'a', 'b');
  const two = repository.commit('two', { files: { b: `${'a\n'.repeat(9)}b\n` } });
  const tree = repository.git('rev-parse', 'HEAD^{tree}');
  const signed = repository.object(
    'commit',
    `tree ${tree}\nparent ${two}\nauthor A <a@x> 1700000000 +0000\ncommitter C <c@x> 1700000000 +0000\n` +
      'gpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----\n\nsigned\n',
  );
  repository.git('update-ref', 'refs/heads/main', signed);
  repository.git('tag', '--annotate', '--message', 'v1', 'v1');
  const other = repository.object(
    'commit',
    `tree ${tree}\nauthor X <x@x> 1 +0000\ncommitter X <x@x> 1 +0000\n\nreplacement\n`,
  );
  repository.git('replace', one, other);
  mkdirSync(join(repository.dir, '.git/info'), { recursive: true });
  writeFileSync(join(repository.dir, '.git/info/grafts'), `${signed}\n`);
  writeFileSync(join(repository.dir, '.git/info/attributes'), '* diff=trip filter=trip\n');
  const trace = temporaryDirectory();
  const command = join(temporaryDirectory(), 'tripwire');
  writeFileSync(command, `#!/bin/sh\ntouch "${trace}/$$"\nexit 1\n`);
  chmodSync(command, 0o755);
  for (const hook of HOOKS) {
    const file = join(repository.dir, '.git/hooks', hook);
    mkdirSync(join(repository.dir, '.git/hooks'), { recursive: true });
    writeFileSync(file, `#!/bin/sh\ntouch "${trace}/$$"\n`, { mode: 0o755 });
  }
  // Telling an inexact rename would need it; a partial clone would fetch it.
  const blob = repository.git('rev-parse', `${two}:b`);
  renameSync(objectFile(repository, blob), join(repository.dir, '.git/kept'));
  plantTripwires(repository, command);
  return { repository, trace, one, blob };
}

function objectFile({ dir }: TestRepository, sha: string): string {
  return join(dir, '.git/objects', sha.slice(0, 2), sha.slice(2));
}

function restoreObject(repository: TestRepository, sha: string): void {
  renameSync(join(repository.dir, '.git/kept'), objectFile(repository, sha));
}

function tripwiresWithoutPromisor(repository: TestRepository): string {
  const text = execFileSync('cat', [join(repository.dir, '.git/tripwires')], { encoding: 'utf8' });
  return text.replace(/^\t(promisor|partialclonefilter).*\n/gim, '');
}

async function followTwoRounds(repository: TestRepository): Promise<void> {
  const source = await sourceOf(repository.dir, { pollIntervalMs: 5 });
  const events = source.generateEvents({ follow: true });
  while ((await events.nextWithin(100)) !== undefined);
  await source.close();
  await events.return();
}
