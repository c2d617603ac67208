import { BatchEventSource } from '../../core/batch-event-source.js';
import type { Clock } from '../../core/clock.js';
import { parseConfig, parseCredentials } from '../../core/config.js';
import type { ReadContext, SourceBatch } from '../../core/read-options.js';
import type { SourceSpec } from '../../core/source-class.js';
import type { SourceOptions, ValidationResult } from '../../core/source-definition.js';
import { Validators } from '../../toolkit/http/validators.js';
import { poll } from '../../toolkit/poll.js';
import { type ClientOptions, GithubClient } from './client.js';
import {
  type GithubConfig,
  type GithubConfigInput,
  type GithubCredentialsInput,
  githubConfig,
  githubCredentials,
} from './config.js';
import { type KeptCredentials, keepCredentials } from './credentials.js';
import { type GithubCursor, githubCursor, parseCursor } from './cursor.js';
import type { GitHubEvent } from './data.js';
import { inspect } from './inspect.js';
import { type Found, findNew, type PassOptions } from './pass.js';
import { type RateLimit, readLimitBody } from './rate-limit.js';
import { findTargets, lookUp, namesOf } from './repositories.js';

export interface PartitionOptions {
  /** What the specs carry: a reference for the factory's credential provider, never a secret. */
  credentials?: { ref: string } | 'anonymous' | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Issues, pull requests, comments, reviews, commits, releases, tags, workflow runs, stars and events of one repository
 * on GitHub, of several, or of all that an organisation or a user has. Needs the package `@octokit/rest`.
 *
 * @example
 * const source = await GitHubSource.create({
 *   id: 'octokit',
 *   credentials: { token: process.env.GITHUB_TOKEN },
 *   config: { owner: 'octokit', repo: 'rest.js', streams: ['issues', 'pulls'] },
 * });
 * for await (const event of source.generateEvents()) console.log(event.type, event.subject);
 * @see https://docs.github.com/rest
 */
export class GitHubSource extends BatchEventSource<GitHubEvent, GithubCursor, GithubConfig> {
  static readonly definition = {
    type: 'github',
    config: githubConfig,
    credentials: githubCredentials,
    cursor: { version: 1, schema: githubCursor },
    capabilities: {
      kind: 'pull',
      delivery: 'at-least-once',
      position: 'cursor',
      ids: 'stable',
      deletes: false,
      notes: [
        'Of what changes several times between two rounds, only the last version can be read.',
        'Deleted issues, comments, releases and tags are not told.',
        'A review that is edited or dismissed more than a minute after its pull request was read last is not told again.',
        'Of workflow runs, changes are seen while a run is among the newest 300.',
        'GitHub lists the first 40,000 stars of a repository.',
        'The stream events is what GitHub keeps of it: the last 300 events of 30 days, up to six hours late.',
        'Releases and tags beyond the first page may be seen an hour late.',
      ],
    },
    events: {
      'github.commit': { description: 'A commit that a branch leads to. Its id is the sha.' },
      'github.branch.forced': { description: 'A branch was moved to a history without its old commit (force-push).' },
      'github.issue.created': { description: 'An issue as it was opened: nothing has changed it since.' },
      'github.issue.updated': { description: 'An issue as it is after a change.' },
      'github.pull_request.created': { description: 'A pull request as it was opened.' },
      'github.pull_request.updated': {
        description: 'A pull request as it is after a change; `merged` and `state` say which.',
      },
      'github.comment.created': { description: 'A comment on an issue or pull request, as it was written.' },
      'github.comment.updated': { description: 'Such a comment, edited.' },
      'github.review_comment.created': {
        description: 'A comment on the changes of a pull request, as it was written.',
      },
      'github.review_comment.updated': { description: 'Such a comment, edited.' },
      'github.review.created': { description: 'A submitted review of a pull request.' },
      'github.review.updated': { description: 'A review that was dismissed.' },
      'github.release.created': { description: 'A release as it was published.' },
      'github.release.updated': { description: 'A release as it is after a change.' },
      'github.tag': { description: 'A tag was created or moved: see `change`.' },
      'github.workflow_run.created': { description: 'A run of a workflow as it began.' },
      'github.workflow_run.updated': { description: 'A run as it is now: see `status`, `conclusion`, `attempt`.' },
      'github.star': { description: 'Somebody starred the repository.' },
      'github.event': { description: "An entry of the repository's public feed. Lossy and late." },
      'github.repository.unavailable': {
        description: 'One of several repositories, or a stream of it, cannot be read. Told once, when it begins.',
      },
    },
  } as const;

  /** @throws ConfigError with everything that is wrong with configuration and credentials; nothing is asked of GitHub. */
  static async create(
    options: SourceOptions<GithubConfigInput, GithubCredentialsInput, GithubCursor>,
  ): Promise<GitHubSource> {
    const config = await parseConfig(githubConfig, options);
    const source = new GitHubSource({ ...options, config });
    source.#credentials = keepCredentials(await parseCredentials(githubCredentials, options));
    return source;
  }

  readonly type = 'github';
  readonly #dispatcher: object | undefined;
  #credentials: KeptCredentials = { kind: 'anonymous' };
  #limit: RateLimit | undefined;
  #origin: string | undefined;

  private constructor(options: SourceOptions<GithubConfig, GithubCredentialsInput, GithubCursor>) {
    super(options);
    this.#dispatcher = options.dispatcher;
  }

  /** The number of the repository, or whose repositories they are; of a list only the API, since lists change. */
  override async origin(): Promise<string> {
    this.#origin ??= await this.#findOrigin();
    return this.#origin;
  }

  /**
   * What is left of the hourly limit: what the last answer said, or a request to `/rate_limit`, which costs nothing.
   * undefined where there is no limit, as on most Enterprise servers.
   */
  async rateLimit(options: { signal?: AbortSignal | undefined } = {}): Promise<RateLimit | undefined> {
    if (this.#limit !== undefined && this.#limit.resetAt.getTime() > this.clock.now()) return this.#limit;
    return this.#withClient(options.signal, async (client) => {
      const response = await client.get('/rate_limit', { acceptStatus: [404] });
      return response.status === 200 ? readLimitBody(response.json()) : undefined;
    });
  }

  /**
   * The same source in parts, one for each repository there is now: specs that a queue can hand to other processes.
   * Each part has the id of this source and the number of its repository, and a cursor of its own.
   */
  async partitions({ credentials, signal }: PartitionOptions = {}): Promise<SourceSpec[]> {
    return this.#withClient(signal, async (client) => {
      const specs: SourceSpec[] = [];
      for await (const { found, configuredAs } of findTargets(client, this.config, parseCursor(undefined, this.id))) {
        const { id, name } = found ?? (await lookUp(client, configuredAs ?? ''));
        specs.push({ type: this.type, id: `${this.id}/${id}`, config: partConfig(this.config, name), credentials });
      }
      return specs;
    });
  }

  /** Asks for the credentials, each repository (of a list the first 20), and each stream, and says what to do. */
  async validate(options: { signal?: AbortSignal | undefined } = {}): Promise<ValidationResult> {
    return inspect(() => this.#open({ signal: options.signal }), this.config, options.signal);
  }

  protected async *readBatches(
    context: ReadContext<GithubCursor>,
  ): AsyncGenerator<SourceBatch<GitHubEvent, GithubCursor>, void, undefined> {
    const { config, clock, logger } = this;
    let cursor = parseCursor(context.cursor, this.id);
    const client = await this.#open({
      signal: context.signal,
      count: (counter, by) => this.count(counter, by),
      onStatus: (status) => this.setStatus(status),
    });
    context.defer(() => client.close());
    const validatorsOf = keptValidators(cursor, clock);
    const options = { client, config, clock, logger, validatorsOf, notBefore: new Map<string, number>() };
    const polling = { clock, signal: context.signal, follow: context.follow, intervalMs: config.pollIntervalMs };
    const onCaughtUp = (): void => this.setStatus({ state: 'caught-up' });
    for await (const found of poll(() => findNew(options, cursor), { ...polling, onCaughtUp })) {
      if (this.getStatus().state === 'caught-up') this.setStatus({ state: 'reading' });
      const batch = this.#batch(found, cursor);
      cursor = batch.cursor;
      yield batch;
    }
  }

  #batch(
    { fields, gap, change }: Found,
    before: GithubCursor,
  ): SourceBatch<GitHubEvent, GithubCursor> & { cursor: GithubCursor } {
    const events = fields.map((each) => this.event(each as never) as GitHubEvent);
    if (gap !== undefined) events.unshift(this.gap(gap.reason, gap.detail, gap));
    const cursor = change(before, events.length);
    return { events, cursor, cursorAt: (count) => (count === events.length ? cursor : change(before, count)) };
  }

  async #findOrigin(): Promise<string> {
    const { baseUrl, org, user } = this.config;
    const base = baseUrl.replace(/\/+$/, '');
    if (org !== undefined) return `${base}/orgs/${org.toLowerCase()}`;
    if (user !== undefined) return `${base}/users/${user.toLowerCase()}`;
    const [name, ...others] = namesOf(this.config) ?? [];
    if (name === undefined || others.length > 0) return base;
    const { id } = await this.#withClient(undefined, (client) => lookUp(client, name));
    return `${base}/repositories/${id}`;
  }

  async #withClient<Result>(
    signal: AbortSignal | undefined,
    use: (client: GithubClient) => Promise<Result>,
  ): Promise<Result> {
    const client = await this.#open({ signal });
    try {
      return await use(client);
    } finally {
      await client.close();
    }
  }

  #open(options: Pick<ClientOptions, 'signal' | 'count' | 'onStatus'>): Promise<GithubClient> {
    return GithubClient.open({
      ...options,
      config: this.config,
      credentials: this.#credentials,
      clock: this.clock,
      logger: this.logger,
      dispatcher: this.#dispatcher,
      onLimit: (limit) => {
        this.#limit = limit;
      },
    });
  }
}

/** Those of the cursor, and what is delivered from then on; by stream, for one iteration. */
function keptValidators({ repositories }: GithubCursor, clock: Clock): PassOptions['validatorsOf'] {
  const all = new Map<string, Validators>();
  return (repository, stream) => {
    const name = `${repository}/${stream}`;
    const saved = repositories[repository]?.streams[stream]?.validator;
    const validators = all.get(name) ?? new Validators({ clock, saved: saved && [saved] });
    all.set(name, validators);
    return validators;
  };
}

function partConfig(config: GithubConfig, name: string): GithubConfigInput {
  const { repos: _, org: __, user: ___, include: ____, exclude: _____, since, ...rest } = config;
  const [owner = '', repo = ''] = name.split('/');
  return { ...rest, owner, repo, ...(since !== undefined && { since: since.toISOString() }) };
}
