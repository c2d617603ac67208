import { paginate } from '../../toolkit/http/paginate.js';
import type { MessagePage } from './client.js';
import { type Delivered, deliveredOf } from './events.js';
import { hasCode } from './failure.js';
import { isBroadcast } from './message.js';
import { compareTs, FIRST_TS, isAfter, type Ts } from './timestamp.js';

/** Some replies of a thread. */
export interface Replies {
  replies: readonly Delivered[];
  /** The last reply there was so far, whether or not it is among `replies`. */
  last: Ts;
}

/** Asks for a page of a thread after `oldest`. */
export type AskReplies = (oldest: Ts, cursor: string | undefined) => Promise<MessagePage>;

const MOST_RESTARTS = 3;

/**
 * The replies of a thread after one of them, oldest first, as Slack gives them. Those that were also sent to the channel
 * are left out: they come with the channel. A thread that is gone has ended.
 */
export async function* readThread(
  thread: { channel: string; ts: Ts; after: Ts },
  ask: AskReplies,
): AsyncGenerator<Replies, void, undefined> {
  let last = thread.after;
  for (let restarts = 0; ; restarts += 1) {
    try {
      for await (const replies of pagesOf(thread, last, ask)) {
        last = replies.last;
        yield replies;
      }
      return;
    } catch (error) {
      if (hasCode(error, 'SLACK_THREAD_NOT_FOUND')) return;
      // Begun again after the last reply that was delivered.
      if (!hasCode(error, 'SLACK_PAGE_CURSOR') || restarts === MOST_RESTARTS) throw error;
    }
  }
}

async function* pagesOf(
  { channel, ts: parent }: { channel: string; ts: Ts },
  after: Ts,
  ask: AskReplies,
): AsyncGenerator<Replies, void, undefined> {
  let last = after;
  const pages = paginate<MessagePage>({
    start: undefined,
    read: (cursor) => ask(after, cursor),
    next: { token: ({ next }) => next },
  });
  for await (const { page } of pages) {
    const replies = page.items
      .filter(({ ts }) => ts !== parent && isAfter(ts, last))
      .sort((left, right) => compareTs(left.ts, right.ts));
    last = replies.at(-1)?.ts ?? last;
    yield {
      replies: deliveredOf(
        channel,
        replies.filter((reply) => !isBroadcast(reply)),
      ),
      last,
    };
  }
}

/** Whether a thread has replies that were not delivered. */
export function hasNewReplies(latest: Ts | undefined, delivered: Ts | undefined): boolean {
  return latest === undefined ? delivered === undefined : isAfter(latest, delivered ?? FIRST_TS);
}
