import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GitCommit } from '../../../src/sources/git/commit.js';
import { FileListParser } from '../../../src/sources/git/file-changes.js';
import { LogParser } from '../../../src/sources/git/log-parser.js';
import { parseTag } from '../../../src/sources/git/tag.js';
import { describeGit } from '../../services/needs.js';
import { ofType, read, TestRepository } from './test-repository.js';

/** A commit object of any bytes, made the tip of `main`. */
function rawCommit(repository: TestRepository, ...parts: (string | Buffer)[]): string {
  const tree = repository.git('hash-object', '-t', 'tree', '-w', '--stdin');
  const bytes = Buffer.concat([`tree ${tree}\n`, ...parts].map((part) => Buffer.from(part)));
  const sha = repository.object('commit', bytes);
  repository.git('update-ref', 'refs/heads/main', sha);
  return sha;
}

const AUTHOR = 'author A <a@example.org> 1700000000 +0100\n';
const COMMITTER = 'committer C <c@example.org> 1700000000 -0730\n';
const IDENTITIES = AUTHOR + COMMITTER;

async function onlyCommit(repository: TestRepository) {
  const [event] = ofType((await read(repository)).events, 'git.commit');
  if (event === undefined) throw new Error('no commit was delivered');
  return event;
}

describeGit('text', () => {
  it('GT4: keeps line breaks, separators, control characters and a body of 1 MB as they are', async () => {
    const repository = TestRepository.create();
    const body = `\u001f\u001e\u0001> : A\n\n${'x'.repeat(1024 * 1024)}\nend`;
    repository.gitWith({ input: `the subject\ngoes on\n\n${body}\n` }, 'commit', '--quiet', '--allow-empty', '-F', '-');
    const { data } = await onlyCommit(repository);
    expect(data.subject).toBe('the subject goes on');
    expect(data.body).toBe(body);
    expect(data).not.toHaveProperty('invalidBytes');
  });

  it('GT4: decodes the encoding that a commit declares', async () => {
    const repository = TestRepository.create();
    const latin1 = Buffer.from('author J\xfcrgen <j@example.org> 1700000000 +0100\n', 'latin1');
    rawCommit(repository, latin1, COMMITTER, 'encoding ISO-8859-1\n\n', Buffer.from('gr\xfc\xdfe\n', 'latin1'));
    const { data } = await onlyCommit(repository);
    expect(data).toMatchObject({ subject: 'grüße', author: { name: 'Jürgen' } });
    expect(data).not.toHaveProperty('invalidBytes');
  });

  it('GT4: replaces and flags bytes that are not text, in messages, names and paths; U+FFFD itself is text', async () => {
    const repository = TestRepository.create();
    rawCommit(repository, IDENTITIES, '\n', Buffer.from([0x61, 0xff, 0x62]));
    expect((await onlyCommit(repository)).data).toMatchObject({ subject: 'a\ufffdb', invalidBytes: true });
    rawCommit(repository, IDENTITIES, '\n', 'a\ufffdb');
    const { data } = await onlyCommit(repository);
    expect(data.subject).toBe('a\ufffdb');
    expect(data).not.toHaveProperty('invalidBytes');
    const blob = repository.object('blob', '1');
    const entry = Buffer.concat([Buffer.from(`100644 blob ${blob}\tp`), Buffer.from([0xff, 0])]);
    const tree = repository.gitWith({ input: entry }, 'mktree', '-z');
    repository.git('update-ref', 'refs/heads/main', repository.git('commit-tree', '-m', 'path', tree));
    const withPath = (await onlyCommit(repository)).data;
    expect(withPath).toMatchObject({ invalidBytes: true, files: [{ path: 'p\ufffd', status: 'added' }] });
  });

  it('GT4: an unknown encoding, one that hides NULs and line breaks, and a NUL in a message lose no commit', async () => {
    const repository = TestRepository.create();
    const shas = [
      rawCommit(repository, IDENTITIES, 'encoding no-such\n\n', 'one'),
      rawCommit(
        repository,
        'author +AAo- +AAA- <a+AAA-@x> 1700000000 +0100\n',
        COMMITTER,
        'encoding UTF-7\n\n',
        '+AAA->x',
      ),
      rawCommit(repository, IDENTITIES, '\n', 'a\0\0>b'),
    ];
    for (const [index, sha] of shas.entries()) repository.git('update-ref', `refs/heads/b${index}`, sha);
    const commits = ofType((await read(repository)).events, 'git.commit').map(({ data }) => data);
    expect(commits.map(({ sha }) => sha).sort()).toEqual([...shas].sort());
    expect(commits.every(({ parents, files }) => parents.length === 0 && files?.length === 0)).toBe(true);
  });

  it('gives times with the offset of the person, and none to the envelope where RFC 3339 has none', async () => {
    const repository = TestRepository.create();
    rawCommit(repository, IDENTITIES, '\nok');
    expect(await onlyCommit(repository)).toMatchObject({
      time: '2023-11-14T14:43:20-07:30',
      data: { author: { time: '2023-11-14T23:13:20+01:00' } },
    });
    for (const date of ['1700000000 +9959', '999999999999 +0000', 'never', '']) {
      rawCommit(repository, AUTHOR, `committer C <c@example.org> ${date}\n`, '\nodd date');
      const { data, time } = await onlyCommit(repository);
      expect(data).toMatchObject({ subject: 'odd date', committer: { name: 'C', email: 'c@example.org' } });
      expect(time === undefined || /^\d{4}-.*(Z|[+-]\d\d:\d\d)$/.test(time)).toBe(true);
    }
  });

  it('survives commits without a message, names or addresses', async () => {
    const repository = TestRepository.create();
    rawCommit(repository, 'author  <> 1700000000 +0000\ncommitter >x <> 1700000000 +0000\n', '\n');
    const { data } = await onlyCommit(repository);
    expect(data).toMatchObject({ subject: '', body: '', author: { name: '', email: '' } });
  });
});

describe('LogParser', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '>', ' ', ':', '\n', 'ü', '\u{1f600}') });
  const commit = fc.record({ sha: fc.constantFrom('a'.repeat(40), 'b'.repeat(40)), text, subject: text });

  it('gives the same commits however the output is cut into chunks', () => {
    const commits = fc.array(commit, { maxLength: 8 });
    const sizes = fc.infiniteStream(fc.integer({ min: 1, max: 60 }));
    fc.assert(
      fc.property(commits, sizes, (written, chunkSizes) => {
        const bytes = Buffer.from(written.map(printed).join(''));
        const expected = written.map(({ sha, text: name, subject }) => ({ sha, name, subject }));
        expect(
          parse(bytes, chunkSizes).map(({ sha, author, subject }) => ({ sha, name: author.name, subject })),
        ).toEqual(expected);
      }),
    );
  });

  function printed({ sha, text: name, subject }: { sha: string; text: string; subject: string }): string {
    return `\0>${[sha, '', '', '', ` ${name}`, '', '', ' ', ` ${subject}`, ' '].join('\0')}\0`;
  }

  function parse(bytes: Buffer, sizes: Iterator<number>): GitCommit[] {
    const parser = new LogParser();
    const commits: GitCommit[] = [];
    for (let at = 0; at < bytes.length; ) {
      const size = sizes.next().value as number;
      commits.push(...parser.push(bytes.subarray(at, at + size)));
      at += size;
    }
    return [...commits, ...parser.end()];
  }
});

describe('FileListParser', () => {
  const sha = 'c'.repeat(40);
  const zeros = '0'.repeat(40);

  it('is not misled by paths that look like other parts of the output', () => {
    const paths = [sha, `:100644 100644 ${sha} ${sha} M`, '1\t2\tx', 'end-0\n', '\n', '>'];
    const entries = paths.map((path) => `:000000 100644 ${zeros} ${sha} A\0${path}\0`);
    const counts = paths.map((path, index) => `${index}\t-\t${path}\0`);
    const bytes = Buffer.from(`${sha}\0${entries.join('')}${counts.join('')}${zeros}\0${entries[0]}${counts[0]}`);
    const parser = new FileListParser(bytes, { shaLength: 40, lineCounts: true });
    expect(parser.filesOf('d'.repeat(40))).toEqual([]);
    expect(parser.filesOf(sha)).toEqual(
      paths.map((path, index) => ({ path, status: 'added', additions: index, deletions: null })),
    );
    expect(parser.isAtEnd).toBe(false);
    expect(parser.filesOf(zeros)).toHaveLength(1);
    expect(parser.isAtEnd).toBe(true);
  });
});

describe('parseTag', () => {
  it('takes tags without a tagger or message, with a signature, and with odd bytes', () => {
    expect(parseTag(Buffer.from(`object ${'1'.repeat(40)}\ntype commit\ntag v1\n`), 'x')).toEqual({
      object: '1'.repeat(40),
      target: 'x',
      message: '',
    });
    const signed = 'object 1\ntagger T <t@x> 1700000000 -0130\n\nhello\n-----BEGIN PGP SIGNATURE-----\nabc\n';
    expect(parseTag(Buffer.from(signed), 'x')).toMatchObject({
      message: 'hello',
      tagger: { name: 'T', email: 't@x', time: '2023-11-14T20:43:20-01:30' },
    });
    expect(parseTag(Buffer.from('object 1\n\n\xfc', 'latin1'), 'x').message).toBe('ü');
  });
});
