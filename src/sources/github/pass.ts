import type { Clock } from '../../core/clock.js';
import { CursorError, HeadwaterError, NotFoundError, PermissionError } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import type { Validators } from '../../toolkit/http/validators.js';
import { inParallel } from '../../toolkit/in-parallel.js';
import type { GithubClient } from './client.js';
import { type GithubConfig, type GithubStream, githubStreams } from './config.js';
import type { GithubCursor, RepositoryPosition } from './cursor.js';
import { type GithubFields, type Place, unavailableFields } from './events.js';
import { checkIdentity, type FoundRepository, findTargets, lookUp, namesOf, type Target } from './repositories.js';
import { RepositoryPages } from './repository-pages.js';
import { stepsOf } from './streams.js';
import type { Gap, Step } from './walk.js';

export interface PassOptions {
  client: GithubClient;
  config: GithubConfig;
  clock: Clock;
  logger: Logger;
  /** Of each stream its own: two streams may ask for the same page, and one of them may not have delivered it. */
  validatorsOf: (repository: number, stream: GithubStream) => Validators;
  notBefore: Map<string, number>;
}

/** What was found together, and how it changes the cursor. */
export interface Found {
  readonly fields: readonly GithubFields[];
  readonly gap?: Gap | undefined;
  /** The cursor when so many of the events are delivered. */
  change(cursor: GithubCursor, count: number): GithubCursor;
}

const NOTHING = '*';

/** Everything that is new, once: all repositories, some of them at once, of each one stream after another. */
export function findNew(options: PassOptions, cursor: GithubCursor): AsyncGenerator<Found, void, undefined> {
  const targets = findTargets(options.client, options.config, cursor);
  return inParallel(readers(targets, options, cursor), options.config.concurrency);
}

async function* readers(
  targets: AsyncIterable<Target>,
  options: PassOptions,
  cursor: GithubCursor,
): AsyncGenerator<AsyncIterable<Found>, void, undefined> {
  for await (const target of targets) yield new RepositoryPass(options, cursor, target).found();
}

/** One repository within a pass. */
class RepositoryPass {
  readonly #options: PassOptions;
  readonly #cursor: GithubCursor;
  readonly #target: Target;
  /** Where there is only one repository, what is wrong with it is what is wrong with the source. */
  readonly #isAlone: boolean;
  readonly #problems: Record<string, HeadwaterError> = {};
  readonly #read = new Set<string>();
  #verified: Promise<void> | undefined;
  #repository: FoundRepository | undefined;

  constructor(options: PassOptions, cursor: GithubCursor, target: Target) {
    this.#options = options;
    this.#cursor = cursor;
    this.#target = target;
    this.#isAlone = namesOf(options.config)?.length === 1;
    this.#repository = target.found;
  }

  async *found(): AsyncGenerator<Found, void, undefined> {
    yield* this.#tolerating(NOTHING, () => this.#streams());
    yield* this.#tellProblems();
  }

  async *#streams(): AsyncGenerator<Found, void, undefined> {
    const { client, config } = this.#options;
    this.#repository ??= await lookUp(client, this.#target.configuredAs ?? '');
    const wanted = githubStreams.filter((stream) => config.streams.includes(stream));
    for (const stream of wanted) {
      yield* this.#tolerating(stream, () => this.#stream(stream));
      if (NOTHING in this.#problems) return;
    }
  }

  async *#stream<Stream extends GithubStream>(stream: Stream): AsyncGenerator<Found, void, undefined> {
    const { config, clock, notBefore } = this.#options;
    const { id, defaultBranch } = this.#known();
    const validators = this.#options.validatorsOf(id, stream);
    const place = this.#place();
    const reader = new RepositoryPages({ ...this.#options, validators, place, verify: () => this.#verifyOnce() });
    const context = { reader, config, defaultBranch, notBefore, now: () => clock.now() };
    const position = this.#before()?.streams[stream];
    for await (const step of stepsOf(stream, context, position)) {
      // What comes later in this run comes after it, so it may be used at once; in a cursor it is once it is delivered.
      validators.keep(step.at(step.fields.length)?.validator);
      yield this.#foundIn(stream, step);
    }
    this.#read.add(stream);
  }

  #foundIn<Stream extends GithubStream>(stream: Stream, step: Step<RepositoryPosition['streams'][Stream]>): Found {
    const { fields, gap } = step;
    const change = (cursor: GithubCursor, count: number): GithubCursor =>
      this.#changed(cursor, ({ streams, ...rest }) => ({ ...rest, streams: { ...streams, [stream]: step.at(count) } }));
    return { fields, gap, change };
  }

  /** What is wrong with one of several repositories, or with one of its streams, is told, and does not stop the others. */
  async *#tolerating(
    stream: string,
    read: () => AsyncGenerator<Found, void, undefined>,
  ): AsyncGenerator<Found, void, undefined> {
    try {
      yield* read();
    } catch (error) {
      if (this.#isAlone || !isOfOneRepository(error)) throw error;
      const isWhole = !PermissionError.isInstance(error) || error.code === 'HTTP_BLOCKED';
      this.#problems[isWhole ? NOTHING : stream] = error;
      const name = this.#repository?.name ?? this.#target.configuredAs;
      this.#options.logger.warn({ repository: name, stream, code: error.code }, error.message);
    }
  }

  /** Once, when it begins and when it is over: while it stays the same, the log has it. */
  async *#tellProblems(): AsyncGenerator<Found, void, undefined> {
    const before = this.#before()?.problems ?? {};
    const codes = Object.fromEntries(Object.entries(this.#problems).map(([stream, { code }]) => [stream, code]));
    // What was not read this time is as it was.
    const kept = Object.entries(before).filter(([stream]) => stream !== NOTHING && !this.#read.has(stream));
    const problems = { ...Object.fromEntries(kept), ...codes };
    const fresh = Object.entries(this.#problems).filter(([stream, { code }]) => before[stream] !== code);
    if (fresh.length === 0 && Object.keys(problems).length === Object.keys(before).length) return;
    const told = this.#before()?.told ?? 0;
    const place = this.#place();
    const fields = fresh.map(([stream, { code, message }], index) =>
      unavailableFields({ stream, code, message }, told + index + 1, place),
    );
    const change = (cursor: GithubCursor, count: number): GithubCursor => {
      if (count < fields.length || this.#repository === undefined) return cursor;
      return this.#changed(cursor, ({ problems: _, ...rest }) => ({
        ...rest,
        ...(Object.keys(problems).length > 0 && { problems }),
        ...(told + count > 0 && { told: told + count }),
      }));
    };
    yield { fields, change };
  }

  #verifyOnce(): Promise<void> {
    this.#verified ??= this.#verify();
    return this.#verified;
  }

  async #verify(): Promise<void> {
    const { configuredAs, isVerified } = this.#target;
    if (isVerified || configuredAs === undefined || this.#target.found === undefined) return;
    const found = await checkIdentity(this.#options.client, configuredAs, this.#target.found.id);
    const { name } = this.#known();
    if (found.name !== name) this.#options.logger.info({ from: name, to: found.name }, 'a repository has a new name');
    this.#repository = found;
  }

  #changed(cursor: GithubCursor, change: (position: RepositoryPosition) => RepositoryPosition): GithubCursor {
    const { id, name } = this.#known();
    const { configuredAs } = this.#target;
    const { names, repositories } = cursor;
    const before = repositories[id] ?? { name, streams: {} };
    return {
      names: configuredAs === undefined ? names : { ...names, [configuredAs.toLowerCase()]: String(id) },
      repositories: { ...repositories, [id]: { ...change(before), name } },
    };
  }

  #before(): RepositoryPosition | undefined {
    return this.#repository && this.#cursor.repositories[this.#repository.id];
  }

  #known(): FoundRepository {
    return this.#repository ?? { id: 0, name: this.#target.configuredAs ?? '', defaultBranch: undefined };
  }

  #place(): Place {
    const { client, config } = this.#options;
    const { id, name } = this.#known();
    const uri = id === 0 ? `${client.baseUrl}/repos/${name}` : `${client.baseUrl}/repositories/${id}`;
    return { repository: { id, name }, uri, raw: config.raw };
  }
}

function isOfOneRepository(error: unknown): error is HeadwaterError {
  if (NotFoundError.isInstance(error) || PermissionError.isInstance(error)) return true;
  if (CursorError.isInstance(error)) return error.code === 'GITHUB_IDENTITY_CHANGED';
  return HeadwaterError.isInstance(error) && error.code === 'HTTP_CONFLICT';
}
