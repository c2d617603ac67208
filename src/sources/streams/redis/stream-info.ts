import { FatalError } from '../../../core/errors.js';
import type { RedisClient } from './client.js';
import { isAfter } from './events.js';

/** What Redis says of a stream. */
export interface StreamInfo {
  readonly length: number;
  /** The id that was given last. */
  readonly last: string;
  /** The oldest entry that is there; undefined where there is none. */
  readonly first: string | undefined;
  /** Entries that were ever added; undefined before Redis 7. */
  readonly added: number | undefined;
}

/** undefined where there is no such stream. */
export async function streamInfo(client: RedisClient, stream: string): Promise<StreamInfo | undefined> {
  let answer: readonly unknown[];
  try {
    answer = await client.command<readonly unknown[]>('XINFO', 'STREAM', stream);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const said = pairs(answer);
  const [first] = (said.get('first-entry') ?? []) as readonly string[];
  const added = said.get('entries-added');
  return {
    length: Number(said.get('length')),
    last: String(said.get('last-generated-id')),
    first,
    added: typeof added === 'number' ? added : undefined,
  };
}

/** Where a group has got to; undefined where there is no such group. `read`: undefined where Redis does not know. */
export async function groupInfo(
  client: RedisClient,
  stream: string,
  group: string,
): Promise<{ last: string; read: number | undefined } | undefined> {
  const answers = await client.command<readonly (readonly unknown[])[]>('XINFO', 'GROUPS', stream);
  const said = answers.map(pairs).find((each) => each.get('name') === group);
  if (said === undefined) return undefined;
  const last = String(said.get('last-delivered-id'));
  const read = said.get('entries-read');
  return { last, read: typeof read === 'number' ? read : last === '0-0' ? 0 : undefined };
}

/**
 * How many entries behind `last` are no longer there: of all that were removed, those that were not read before. 0 where
 * one that was read is still there, as streams are trimmed from their beginning.
 */
export function lostEntries({ first, length, added }: StreamInfo, last: string, read: number): number {
  if (added === undefined || (first !== undefined && !isAfter(first, last))) return 0;
  return Math.max(0, added - length - read);
}

/** Redis has no code of its own for it. */
function isMissing(error: unknown): boolean {
  return FatalError.isInstance(error) && /no such key/.test(error.message);
}

function pairs(flat: readonly unknown[]): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (let at = 0; at + 1 < flat.length; at += 2) found.set(String(flat[at]), flat[at + 1]);
  return found;
}
