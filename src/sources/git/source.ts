import { pathToFileURL } from 'node:url';
import { BatchEventSource } from '../../core/batch-event-source.js';
import { parseConfig } from '../../core/config.js';
import type { ReadContext, SourceBatch } from '../../core/read-options.js';
import type { SourceOptions, ValidationResult } from '../../core/source-definition.js';
import { poll } from '../../toolkit/poll.js';
import { inspectRepository } from './client.js';
import { type GitConfig, type GitConfigInput, gitConfig } from './config.js';
import { type GitCursor, gitCursor, parseCursor } from './cursor.js';
import { commitFields, type GitEvent, refFields } from './events.js';
import { GitProcess } from './git-process.js';
import { type PassBatch, PassReader } from './pass-reader.js';
import { selectRefs } from './refs.js';
import { locateDirectory } from './repository.js';

/**
 * The history of a git repository: every commit that its branches and tags lead to, parents before children, and what
 * happens to the branches and tags themselves. Read by `git` itself; a hostile repository runs nothing.
 *
 * @example
 * const source = await GitSource.create({ id: 'history', config: { dir: '.' } });
 * for await (const event of source.generateEvents()) {
 *   if (event.type === 'git.commit') console.log(event.data.sha, event.data.subject);
 * }
 */
export class GitSource extends BatchEventSource<GitEvent, GitCursor, GitConfig> {
  static readonly definition = {
    type: 'git',
    config: gitConfig,
    cursor: { version: 1, schema: gitCursor },
    capabilities: {
      kind: 'pull',
      delivery: 'at-least-once',
      position: 'cursor',
      ids: 'stable',
      deletes: true,
      notes: [
        'A ref that moves several times between two runs gives one event.',
        'Deepening a shallow clone later does not bring the older commits.',
      ],
    },
    events: {
      'git.commit': { description: 'A commit, after its parents. Delivered once, however many refs lead to it.' },
      'git.tag': { description: 'A tag was created, moved or deleted: see `change`.' },
      'git.branch.created': { description: 'A branch is there that was not.' },
      'git.branch.updated': { description: 'A branch moved forward: its old commit is part of its history.' },
      'git.branch.rewritten': { description: 'A branch was moved to a history without its old commit (force-push).' },
      'git.branch.deleted': { description: 'A branch is gone.' },
    },
  } as const;

  /** @throws ConfigError with everything that is wrong with the configuration; the repository is not looked at. */
  static async create(options: SourceOptions<GitConfigInput, undefined, GitCursor>): Promise<GitSource> {
    const config = await parseConfig(gitConfig, options);
    return new GitSource({ ...options, config });
  }

  readonly type = 'git';

  /** `file:` URI of the repository. */
  override async origin(): Promise<string> {
    return pathToFileURL(await locateDirectory(this.config.dir)).href;
  }

  /** Finds out whether git is there and recent enough, and the repository readable and what it should be. */
  async validate(options: { signal?: AbortSignal | undefined } = {}): Promise<ValidationResult> {
    return inspectRepository(this.config, options.signal ?? new AbortController().signal);
  }

  protected async *readBatches(
    context: ReadContext<GitCursor>,
  ): AsyncGenerator<SourceBatch<GitEvent, GitCursor>, void, undefined> {
    const { config, clock } = this;
    const reader = await this.#open(context);
    const options = { clock, signal: context.signal, follow: context.follow, intervalMs: config.pollIntervalMs };
    const onCaughtUp = (): void => this.setStatus({ state: 'caught-up' });
    for await (const batch of poll(() => reader.catchUp(), { ...options, onCaughtUp })) yield this.#batch(batch);
  }

  async #open({ cursor, signal }: ReadContext<GitCursor>): Promise<PassReader> {
    const { config } = this;
    const position = parseCursor(cursor, this.id);
    const directory = await locateDirectory(config.dir);
    const git = new GitProcess({
      directory,
      trustOwner: config.trustOwner,
      signal,
      onProcess: () => this.count('requests'),
      onBytes: (bytes) => this.count('bytes', bytes),
    });
    const onWork = (): void => this.setStatus({ state: 'reading' });
    return new PassReader({ git, config, selection: selectRefs(config.refs), logger: this.logger, onWork }, position);
  }

  #batch(batch: PassBatch): SourceBatch<GitEvent, GitCursor> {
    const events = batch.kind === 'gap' ? [this.gap(batch.reason, batch.detail, batch.range)] : this.#events(batch);
    return { events, cursor: batch.cursorAt(events.length), cursorAt: batch.cursorAt };
  }

  #events(batch: Exclude<PassBatch, { kind: 'gap' }>): GitEvent[] {
    if (batch.kind === 'commits') {
      return batch.commits.map((commit) => this.event(commitFields(commit, batch.uri)));
    }
    return batch.changes.map((change) => {
      const fields = refFields(change, batch.uri);
      return fields.type === 'git.tag' ? this.event(fields) : (this.event(fields) as GitEvent);
    });
  }
}
