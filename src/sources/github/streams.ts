import { linkTarget } from '../../toolkit/http/link-header.js';
import { paginate } from '../../toolkit/http/paginate.js';
import { CommitWalk } from './commit-walk.js';
import type { GithubConfig, GithubStream } from './config.js';
import type { HeadPosition, StreamPositions } from './cursor.js';
import * as events from './events.js';
import { HeadWalk, type HeadWalkOptions } from './head-walk.js';
import { ListWalk, type ListWalkOptions } from './list-walk.js';
import { number, type Payload, part, text } from './payload.js';
import { SinceWalk, type SinceWalkOptions } from './since-walk.js';
import { type Gap, type Page, PER_PAGE, type RepositoryReader, type Steps, timeText } from './walk.js';

export interface StreamContext {
  readonly reader: RepositoryReader;
  readonly config: Pick<GithubConfig, 'since' | 'branches'>;
  readonly defaultBranch: string | undefined;
  /** When streams that GitHub wants to be asked less often may be asked again, by repository and stream. */
  readonly notBefore: Map<string, number>;
  readonly now: () => number;
}

type AnyStream = {
  [Stream in GithubStream]: (
    context: StreamContext,
    position: StreamPositions[Stream] | undefined,
  ) => Steps<NonNullable<StreamPositions[Stream]>>;
};

/** How each stream is read. https://docs.github.com/rest */
const STREAMS: AnyStream = {
  commits: ({ reader, config, defaultBranch }, position) =>
    new CommitWalk(reader, { branches: config.branches, since: config.since, defaultBranch }, position).steps(),

  // Pull requests are issues too: they have a stream of their own.
  issues: (context, position) =>
    since(context, position, {
      path: 'issues',
      query: { state: 'all' },
      toItem: events.issueItem,
      skip: (payload) => 'pull_request' in payload,
    }),
  issueComments: (context, position) =>
    since(context, position, { path: 'issues/comments', toItem: events.commentItem }),
  // Their pull request need not be updated by them, so they cannot be found through it.
  reviewComments: (context, position) =>
    since(context, position, { path: 'pulls/comments', toItem: events.reviewCommentItem }),

  pulls: (context, position) => pullsByChange(context, position),
  // Only a pull request lists its reviews; a review moves the time of its pull request.
  reviews: (context, position) =>
    pullsByChange(context, position, (payload, floor) => reviewsOf(context, payload, floor)),

  releases: ({ reader, config }, position) =>
    list(reader, position, {
      url: reader.url('releases', { per_page: PER_PAGE }),
      identityOf: (payload) => String(number(payload, 'id')),
      versionOf: (payload) => events.releaseItem(payload, reader.place).fields.id,
      toItem: (payload) => events.releaseItem(payload, reader.place),
      isWanted: (payload) => isWithin(events.releaseItem(payload, reader.place).fields.time, config.since),
    }),
  tags: ({ reader }, position) =>
    list(reader, position, {
      url: reader.url('tags', { per_page: PER_PAGE }),
      identityOf: (payload) => text(payload, 'name'),
      versionOf: (payload) => text(part(payload, 'commit'), 'sha'),
      toItem: (payload, revision) => events.tagItem(payload, reader.place, revision),
    }),

  // Runs change where they stand: the newest 300 are looked at whenever something has changed.
  workflowRuns: ({ reader, config }, position) =>
    head(reader, position, {
      url: reader.url('actions/runs', { per_page: PER_PAGE }),
      page: { wrappedIn: 'workflow_runs' },
      older: 'next',
      placeOf: (payload) => text(payload, 'created_at'),
      toItem: (payload) => events.workflowRunItem(payload, reader.place),
      window: 3,
      since: sinceText(config.since),
    }),

  // The oldest first, so the newest are on the last page; and a star that is taken back shifts nothing out of sight.
  stars: ({ reader, config }, position) =>
    head(reader, position, {
      url: reader.url('stargazers', { per_page: PER_PAGE }),
      page: { accept: 'application/vnd.github.star+json' },
      older: 'prev',
      placeOf: (payload) => text(payload, 'starred_at'),
      toItem: (payload) => events.starItem(payload, reader.place),
      since: sinceText(config.since),
    }),

  events: async function* (context, position) {
    const { reader, config, notBefore, now } = context;
    const name = `${reader.place.repository.id}/events`;
    if ((notBefore.get(name) ?? 0) > now()) return;
    const polite = {
      ...reader,
      page: async (...request: Parameters<RepositoryReader['page']>) => {
        const page = await reader.page(...request);
        notBefore.set(name, now() + pollInterval(page.headers));
        return page;
      },
    };
    yield* head(polite, position, {
      url: reader.url('events', { per_page: PER_PAGE }),
      older: 'next',
      // As numbers: '10' comes after '9'.
      placeOf: (payload) => text(payload, 'id').padStart(20, '0'),
      toItem: (payload) => events.activityItem(payload, reader.place),
      isWanted: (payload) => isWithin(text(payload, 'created_at'), config.since),
      gapAfter: lostEvents,
    });
  },
};

/** The steps of a stream, from a position of that stream. */
export function stepsOf<Stream extends GithubStream>(
  stream: Stream,
  context: StreamContext,
  position: StreamPositions[Stream] | undefined,
): Steps<NonNullable<StreamPositions[Stream]>> {
  return STREAMS[stream](context, position);
}

function since(
  { reader, config }: StreamContext,
  position: StreamPositions['issues'] | undefined,
  options: Omit<SinceWalkOptions, 'since'>,
): Steps<NonNullable<StreamPositions['issues']>> {
  return new SinceWalk(reader, { ...options, since: config.since }, position).steps();
}

function head(
  reader: RepositoryReader,
  position: HeadPosition | undefined,
  options: HeadWalkOptions,
): Steps<HeadPosition> {
  return new HeadWalk(reader, options, position).steps();
}

function list(
  reader: RepositoryReader,
  position: StreamPositions['tags'] | undefined,
  options: ListWalkOptions,
): Steps<NonNullable<StreamPositions['tags']>> {
  return new ListWalk(reader, options, position).steps();
}

/** There is no `since`, and asking for it changes nothing: the newest change first, down to what is known. */
function pullsByChange(
  { reader, config }: StreamContext,
  position: HeadPosition | undefined,
  expand?: HeadWalkOptions['expand'],
): Steps<HeadPosition> {
  return head(reader, position, {
    expand,
    url: reader.url('pulls', { state: 'all', sort: 'updated', direction: 'desc', per_page: PER_PAGE }),
    older: 'next',
    placeOf: (payload) => text(payload, 'updated_at'),
    toItem: (payload) => events.pullItem(payload, reader.place),
    // Changes of the last minute may become visible in another order than they were made in.
    stepBack: (place) => timeText(Date.parse(place) - 60_000),
    since: sinceText(config.since),
  });
}

async function reviewsOf(
  { reader, config }: StreamContext,
  pull: Payload,
  floor: string | undefined,
): Promise<events.Item[]> {
  const items: events.Item[] = [];
  const pages = paginate({
    start: reader.url(`pulls/${number(pull, 'number')}/reviews`, { per_page: PER_PAGE }),
    read: (url) => reader.page(url),
    next: { url: ({ link }: Page) => linkTarget(link, 'next') },
  });
  for await (const { page } of pages) {
    for (const payload of page.items) {
      const item = events.reviewItem(payload, reader.place);
      const { time } = item.fields;
      // One that is not submitted yet is for its author alone.
      if (time !== undefined && time >= (floor ?? '') && isWithin(time, config.since)) items.push(item);
    }
  }
  return items;
}

/** https://docs.github.com/rest/activity/events: the last 300 events, of the last 30 days. */
const MOST_EVENTS = 300;
const EVENTS_AGE_MS = 29 * 86_400_000;

function lostEvents(known: HeadPosition, oldest: string | undefined, pages: number, page: Page): Gap | undefined {
  if (oldest !== undefined && oldest <= (known.stop ?? '')) return undefined;
  const isFull = (pages - 1) * PER_PAGE + page.items.length >= MOST_EVENTS;
  const readAt = (known.validator?.at ?? 0) * 1_000;
  if (!isFull && (known.validator === undefined || page.serverNow - readAt < EVENTS_AGE_MS)) return undefined;
  const [from, to] = [known.stop, oldest].map((place) => place?.replace(/^0+/, ''));
  const detail = isFull
    ? 'more happened than the 300 events that GitHub keeps of a repository'
    : 'it was read last more than 29 days ago, and GitHub keeps events for 30 days';
  return { reason: isFull ? 'window-exceeded' : 'retention', detail, from, to };
}

/** `X-Poll-Interval`, in milliseconds; a 304 may only say how long it may be kept. */
function pollInterval(headers: Readonly<Record<string, string>>): number {
  const asked = headers['x-poll-interval'] ?? /max-age=(\d+)/.exec(headers['cache-control'] ?? '')?.[1] ?? '60';
  return (/^\d{1,6}$/.test(asked) ? Number(asked) : 60) * 1_000;
}

function sinceText(date: Date | undefined): string | undefined {
  return date === undefined ? undefined : timeText(date.getTime());
}

function isWithin(time: string | undefined, since: Date | undefined): boolean {
  return since === undefined || time === undefined || Date.parse(time) >= since.getTime();
}
