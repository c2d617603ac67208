import { paginate } from '../../toolkit/http/paginate.js';
import type { MessagePage, MessageRange } from './client.js';
import { hasCode } from './failure.js';
import type { SlackMessage } from './message.js';
import { fromMicros, isAfter, LAST_TS, type Ts, toMicros } from './timestamp.js';

/** Asks for one page of a range, newest first. */
export type AskHistory = (range: MessageRange, cursor: string | undefined) => Promise<MessagePage>;

/** Messages oldest first, and how far they go: nothing up to there is left out. */
export interface Stretch {
  messages: readonly SlackMessage[];
  upTo: Ts;
}

/** What is held at once, at most, and one page. */
export interface HistoryLimits {
  messages: number;
  pages: number;
  bytes: number;
}

const LIMITS: HistoryLimits = { messages: 4_000, pages: 20, bytes: 16 * 1_048_576 };
/** A page cursor that stops being valid begins its range again, so often. */
const MOST_RESTARTS = 3;
/** A window that brought less than this share of what could be held lets the next one be larger. */
const SPARSE = 1 / 4;
/** Windows grow and shrink by this. */
const STEP = 4n;
/** A window that looks like this many times what can be held is not read beyond its first page. */
const HOPELESS = 1.25;

export interface WalkOptions {
  channel: string;
  /** Messages after this one. */
  after: Ts;
  /** When the channel began, where that is known: hardly any message is older. */
  createdAt?: Ts | undefined;
  limits?: HistoryLimits | undefined;
}

/**
 * The messages after a point, oldest first, although Slack gives the newest first.
 *
 * What fits into memory is read whole, then given. What does not is read in windows of time, from the oldest on, as wide
 * as will fit by what was seen: so the first messages come early, and what was delivered never has to be read again.
 * The end is fixed by the newest message of the first page, not by a clock: what is posted later is for the next pass.
 */
export async function* oldestFirst(ask: AskHistory, options: WalkOptions): AsyncGenerator<Stretch, void, undefined> {
  const { channel, after, limits = LIMITS } = options;
  const all = await readWindow(ask, { channel, oldest: after, latest: LAST_TS }, limits);
  if (all.newest === undefined || all.oldest === undefined) return;
  if (all.isWhole) return yield { messages: all.messages.reverse(), upTo: all.newest };
  yield* inWindows(ask, { ...options, limits, tops: [toMicros(all.newest) + 1n, toMicros(all.oldest)] });
}

interface WindowOptions extends WalkOptions {
  limits: HistoryLimits;
  /** Where windows end at the latest, the nearest last: what lies above one is as much as can be held, or more. */
  tops: bigint[];
}

/**
 * Bounds are exclusive: a window from `low` to `high` holds neither. One that is too much is followed by a quarter of it;
 * one that holds little by a larger one, once the last that was too much is passed. What was seen of one that was too much
 * is left to windows of its own.
 */
async function* inWindows(ask: AskHistory, options: WindowOptions): AsyncGenerator<Stretch, void, undefined> {
  const { channel, limits, tops, createdAt } = options;
  let low = toMicros(options.after);
  const created = larger(createdAt === undefined ? 0n : toMicros(createdAt), low);
  let width = larger((tops[0] ?? 0n) - created, 0n) / STEP;
  let high = created;
  let tooMuchUpTo = 0n;
  for (let top = tops.at(-1); top !== undefined; top = tops.at(-1)) {
    if (low + 1n >= top) {
      tops.pop();
      continue;
    }
    // The time before the channel began is one window: as a rule there is nothing in it.
    high = smaller(high > low + 1n ? high : low + 1n + larger(width, 1n), top);
    const range = { channel, oldest: fromMicros(low), latest: fromMicros(high) };
    const window = await readWindow(ask, range, limits, high - low);
    if (window.isWhole) {
      if (low >= tooMuchUpTo && isSparse(window, limits)) width = larger(width, (high - low) * STEP);
      low = high - 1n;
      yield { messages: window.messages.reverse(), upTo: fromMicros(low) };
    } else {
      tops.push(toMicros(window.oldest ?? LAST_TS));
      tooMuchUpTo = high;
      width = (high - low) / STEP;
    }
    high = 0n;
  }
}

function isSparse({ count, pages }: Window, limits: HistoryLimits): boolean {
  return count === 0 || (count < limits.messages * SPARSE && pages < limits.pages * SPARSE);
}

interface Window {
  /** Newest first; none of a window that was too much. */
  messages: SlackMessage[];
  isWhole: boolean;
  count: number;
  pages: number;
  /** Of those that were seen. */
  newest: Ts | undefined;
  oldest: Ts | undefined;
}

/** A range to its end, or until it is too much to be held. With its width, in microseconds, that may be seen early. */
async function readWindow(
  ask: AskHistory,
  range: MessageRange,
  limits: HistoryLimits,
  width?: bigint,
): Promise<Window> {
  for (let restarts = 0; ; restarts += 1) {
    try {
      return await readPages(ask, range, limits, width);
    } catch (error) {
      if (!hasCode(error, 'SLACK_PAGE_CURSOR') || restarts === MOST_RESTARTS) throw error;
    }
  }
}

async function readPages(
  ask: AskHistory,
  range: MessageRange,
  limits: HistoryLimits,
  width: bigint | undefined,
): Promise<Window> {
  const messages: SlackMessage[] = [];
  let bytes = 0;
  let pages = 0;
  for await (const page of historyPages(ask, range)) {
    pages += 1;
    bytes += page.bytes;
    for (const message of page.items) messages.push(message);
    const window = windowOf(messages, pages);
    const isTooMuch = messages.length >= limits.messages || pages >= limits.pages || bytes >= limits.bytes;
    const isEnough = isTooMuch || (pages === 1 && width !== undefined && isHopeless(window, width, limits));
    // Two messages at least: a part of a window is always less than the window.
    if (isEnough && page.next !== undefined && messages.length > 1) return { ...window, messages: [], isWhole: false };
  }
  return windowOf(messages, pages);
}

/** Whether there is far too much in a window, if all of it is as dense as its newest part. */
function isHopeless(window: Window, width: bigint, { messages, pages }: HistoryLimits): boolean {
  const share = Number(width) / Math.max(1, Number(spanOf(window)));
  return share > HOPELESS * Math.min(pages, messages / Math.max(1, window.count));
}

function windowOf(messages: SlackMessage[], pages: number): Window {
  const [newest, oldest] = [messages[0]?.ts, messages.at(-1)?.ts];
  return { messages, isWhole: true, count: messages.length, pages, newest, oldest };
}

/** Page after page for as long as there is a cursor, however short a page is. Only what is within the bounds. */
export async function* historyPages(
  ask: AskHistory,
  range: MessageRange,
): AsyncGenerator<MessagePage, void, undefined> {
  const pages = paginate<MessagePage>({
    start: undefined,
    read: (cursor) => ask(range, cursor),
    next: { token: ({ next }) => next },
  });
  for await (const { page } of pages) {
    yield { ...page, items: page.items.filter(({ ts }) => isAfter(ts, range.oldest) && isAfter(range.latest, ts)) };
  }
}

/** Microseconds from the oldest to the newest message. */
function spanOf({ newest, oldest }: Window): bigint {
  return newest === undefined || oldest === undefined ? 0n : toMicros(newest) - toMicros(oldest);
}

function smaller(left: bigint, right: bigint): bigint {
  return left < right ? left : right;
}

function larger(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}
