import { createHash } from 'node:crypto';
import type { SourceEvent } from 'headwater';
import type { FilesystemEvent } from 'headwater/sources/filesystem';
import type { GitEvent } from 'headwater/sources/git';
import type { GitHubEvent } from 'headwater/sources/github';
import type { ApiLogEvent } from 'headwater/sources/logs/api-log';
import type { SlackEvent } from 'headwater/sources/slack';
import type { JournalEvent } from './journal.js';

/** One thing that happened, as this application remembers it. */
export interface Episode {
  readonly id: string;
  /** What belongs together: an issue, a thread, a file, a day. */
  readonly session: string;
  /** 'commit', 'issue', 'message' … */
  readonly kind: string;
  /** What is searched, and what a model reads. */
  readonly content: string;
  /** RFC 3339 in UTC, so that the order of the text is the order of time; null where the source does not say. */
  readonly time: string | null;
  /** Whatever else is worth keeping. */
  readonly context: Readonly<Record<string, unknown>>;
}

type KnownEvent = GitEvent | FilesystemEvent | GitHubEvent | SlackEvent | ApiLogEvent | JournalEvent;
type Story = Pick<Episode, 'session' | 'kind' | 'content'> & { context?: Episode['context'] };

/** The episodes that events are. What is not worth remembering is left out. */
export function toEpisodes(events: readonly SourceEvent[]): Episode[] {
  return events.flatMap((event) => {
    const story = tell(event as KnownEvent);
    if (story === undefined) return [];
    const { context = {}, ...rest } = story;
    const time = event.time === undefined ? null : new Date(event.time).toISOString();
    return [{ ...rest, id: idOf(event), time, context: { source: event.sourceid, ...context } }];
  });
}

/** An event has its id within its `source`: the same event is the same episode, whenever it is read. */
function idOf({ source, id }: SourceEvent): string {
  return createHash('sha256').update(`${source}\n${id}`).digest('hex');
}

function tell(event: KnownEvent): Story | undefined {
  switch (event.type) {
    case 'git.commit': {
      const { sha, author, subject, body, files } = event.data;
      return {
        kind: 'commit',
        session: `commits of ${author.name}`,
        content: body === '' ? subject : `${subject}\n\n${body}`,
        context: { sha, author: author.name, files: files?.map(({ path }) => path) },
      };
    }
    case 'git.tag':
      return { kind: 'tag', session: 'tags', content: `Tag ${event.data.name} was ${event.data.change}` };
    case 'file.created':
    case 'file.modified': {
      const { path, size, text } = event.data;
      const what = event.type === 'file.created' ? 'created' : 'changed';
      return { kind: 'file', session: path, content: text ?? `The file ${path} was ${what}`, context: { path, size } };
    }
    case 'file.renamed':
      return {
        kind: 'file',
        session: event.data.path,
        content: `${event.data.previousPath} is now ${event.data.path}`,
      };
    case 'file.deleted':
      return { kind: 'file', session: event.data.path, content: `The file ${event.data.path} was deleted` };
    case 'http.request': {
      const { method, path, status, durationMs, line } = event.data;
      if (path === undefined) return { kind: 'request', session: 'unreadable', content: line ?? '' };
      return {
        kind: 'request',
        session: `${method} ${path}`,
        content: `${method} ${path} was answered with ${status}`,
        context: { status, durationMs },
      };
    }
    case 'github.commit': {
      const { repository, sha, subject, branch, author } = event.data;
      const context = { sha, branch, author: author.login ?? author.name };
      return { kind: 'commit', session: repository.name, content: subject, context };
    }
    case 'github.issue.created':
    case 'github.issue.updated':
    case 'github.pull_request.created':
    case 'github.pull_request.updated': {
      const { repository, number, title, body, state, author, labels, url } = event.data;
      const kind = event.type.startsWith('github.issue') ? 'issue' : 'pull request';
      const content = `${title} (${state})\n\n${body ?? ''}`.trimEnd();
      return {
        kind,
        session: `${repository.name}#${number}`,
        content,
        context: { url, labels, author: author?.login },
      };
    }
    case 'github.comment.created':
    case 'github.comment.updated': {
      const { repository, issue, body, author, url } = event.data;
      return {
        kind: 'comment',
        session: `${repository.name}#${issue}`,
        content: body,
        context: { url, author: author?.login },
      };
    }
    case 'slack.message':
    case 'slack.message.changed': {
      const { channel, channelName = channel, ts, threadTs = ts, user, userName = user, text } = event.data;
      const content = `${userName ?? 'somebody'}: ${text}`;
      return { kind: 'message', session: `${channelName}/${threadTs}`, content, context: { channel, ts, user } };
    }
    case 'slack.message.deleted':
      return { kind: 'message', session: `${event.data.channel}/${event.data.ts}`, content: 'The message was deleted' };
    case 'journal.note':
      return { kind: 'note', session: event.data.session, content: event.data.text };
    case 'headwater.gap':
      // What was lost is remembered as well.
      return {
        kind: 'gap',
        session: event.sourceid,
        content: event.data.detail,
        context: { reason: event.data.reason },
      };
    default:
      return undefined;
  }
}
