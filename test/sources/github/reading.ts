import type { Clock, Logger } from 'headwater';
import {
  type GitHubEvent,
  GitHubSource,
  type GithubConfigInput,
  type GithubCredentialsInput,
  type GithubCursor,
} from 'headwater/sources/github';
import type { StartedGithub } from '../../services/github/for-each.js';

export type { GitHubSource as GithubSource };

export interface Options {
  credentials?: GithubCredentialsInput;
  cursor?: GithubCursor | undefined;
  clock?: Clock;
  onGap?: 'throw' | 'emit';
  logger?: Logger;
  signal?: AbortSignal;
}

/** A source of the repository 'octo/spoon', unless the configuration says otherwise. As a new process makes it. */
export function sourceOf(
  { server, clock, token }: StartedGithub,
  config: GithubConfigInput = {},
  { signal: _, ...options }: Options = {},
): Promise<GitHubSource> {
  const isElsewhere = ['owner', 'repos', 'org', 'user'].some((name) => name in config);
  const where = isElsewhere ? {} : { owner: 'octo', repo: 'spoon' };
  return GitHubSource.create({
    id: 'github',
    config: { baseUrl: server.url, ...where, ...config },
    credentials: { token },
    clock,
    ...options,
  });
}

export interface Reading {
  readonly events: GitHubEvent[];
  readonly cursor: GithubCursor;
}

/** Reads what is new since a cursor, to the end. */
export async function read(
  github: StartedGithub,
  config: GithubConfigInput = {},
  options: Options = {},
): Promise<Reading> {
  const source = await sourceOf(github, config, options);
  const events: GitHubEvent[] = [];
  for await (const event of source.generateEvents({ signal: options.signal })) events.push(event);
  return { events, cursor: throughJson(source.getCursor()) };
}

/** Takes so many events and gives up without asking for another, as a process that is killed does. */
export async function readSome(
  github: StartedGithub,
  count: number,
  config: GithubConfigInput = {},
  options: Options = {},
): Promise<Reading> {
  const source = await sourceOf(github, config, options);
  const events: GitHubEvent[] = [];
  if (count > 0) {
    for await (const event of source.generateEvents()) {
      events.push(event);
      if (events.length === count) break;
    }
  }
  return { events, cursor: throughJson(source.getCursor() ?? options.cursor) };
}

/** As a store gives it back. */
export function throughJson(cursor: GithubCursor | undefined): GithubCursor {
  return JSON.parse(JSON.stringify(cursor ?? { names: {}, repositories: {} })) as GithubCursor;
}

type Of<Type extends GitHubEvent['type']> = Extract<GitHubEvent, { type: Type }> | (GitHubEvent & { type: Type });

export function ofType<Type extends GitHubEvent['type']>(events: readonly GitHubEvent[], ...types: Type[]): Of<Type>[] {
  return events.filter((event): event is Of<Type> => (types as string[]).includes(event.type));
}

export function idsOf(events: readonly GitHubEvent[]): string[] {
  return events.map(({ id }) => id);
}

/** Titles of issues and pull requests, in order. */
export function titlesOf(events: readonly GitHubEvent[]): string[] {
  return events.map(({ data }) => (data as { title?: string }).title ?? '');
}

/** The error that something ends with. */
export async function errorOf(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  return promise.then(
    () => {
      throw new Error('there was no error');
    },
    (error: unknown) => error as Error & { code?: string },
  );
}
