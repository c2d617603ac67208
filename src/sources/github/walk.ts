import type { GapReason } from '../../core/event.js';
import type { Validator } from '../../toolkit/http/validators.js';
import type { GithubFields, Item, Place } from './events.js';
import type { Payload } from './payload.js';

/** A page of a list. */
export interface Page {
  /** Nothing has changed since the answer that was delivered: there are no items here. */
  readonly isUnchanged: boolean;
  readonly status: number;
  readonly items: readonly Payload[];
  /** The whole answer, where it is no list. */
  readonly body: unknown;
  readonly link: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** What makes the next request for it conditional; to be used only once its items are delivered. */
  readonly validator: Validator | undefined;
  /** What GitHub took the time to be, in milliseconds. */
  readonly serverNow: number;
}

export interface PageOptions {
  accept?: string | undefined;
  /** The key of the list, where it is within an object. */
  wrappedIn?: string | undefined;
  /** The answer is no list: take `body`. */
  isObject?: boolean | undefined;
  acceptStatus?: readonly number[] | undefined;
}

/** Reads one repository. */
export interface RepositoryReader {
  readonly place: Place;
  /** Absolute, below the repository: `url('issues', { per_page: 100 })`. */
  url(path: string, query?: Readonly<Record<string, string | number | undefined>>): string;
  page(url: string, options?: PageOptions): Promise<Page>;
}

export interface Gap {
  reason: GapReason;
  detail: string;
  from?: unknown;
  to?: unknown;
}

/** Events that were found together, or a gap; and where a stream goes on after so many of them. */
export interface Step<Position> {
  readonly fields: readonly GithubFields[];
  readonly gap?: Gap | undefined;
  at(count: number): Position;
}

export type Steps<Position> = AsyncGenerator<Step<Position>, void, undefined>;

export const PER_PAGE = 100;

/** Hashes as a cursor has them, one after another. */
export function joinKeys(keys: Iterable<string>): string {
  return [...keys].join('');
}

export function splitKeys(keys: string | undefined): string[] {
  return keys?.match(/.{8}/gs) ?? [];
}

export function fieldsOf(items: readonly Item[]): GithubFields[] {
  return items.map(({ fields }) => fields);
}

/** '2026-01-15T12:00:00Z', as GitHub writes times. */
export function timeText(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}
