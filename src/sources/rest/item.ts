import { FatalError } from '../../core/errors.js';
import type { Detect, Finder, RestConfig } from './config.js';
import { compileFinder, compileOne, type FindAll } from './path.js';
import { canonical, hashOf } from './version.js';

/** The finders of a configuration, ready for use. */
export interface ItemReader {
  /** The items of an answer. @throws FatalError 'REST_ITEMS' when there is nothing where they should be */
  items(body: unknown, label: string): readonly unknown[];
  /** @throws FatalError 'REST_ITEM' for an item without an id */
  key(item: unknown): string;
  /** Changes when the item does. */
  version(item: unknown): string;
  time(item: unknown): string | undefined;
  /** Detection by watermark. @throws FatalError 'REST_ITEM' for an item without one */
  mark(item: unknown): string | number | undefined;
}

/** @throws ConfigError, MissingPeerError for paths */
export async function createItemReader(config: RestConfig, sourceId: string): Promise<ItemReader> {
  const find = await compileFinder(config.items, sourceId);
  const id = await compileOne(config.id, sourceId);
  const time = config.time === undefined ? undefined : await compileOne(config.time, sourceId);
  const mark = config.detect.by === 'watermark' ? await compileOne(config.detect.field, sourceId) : undefined;
  const version = await versionReader(config.detect, sourceId);
  const shown = typeof config.items === 'string' ? config.items : 'the function of config.items';
  return {
    items: (body, label) => itemsOf(find, body, { label, shown, sourceId }),
    key: (item) => {
      const found = id(item);
      if (typeof found === 'string' && found !== '') return found;
      if (typeof found === 'number' || typeof found === 'bigint' || typeof found === 'boolean') return String(found);
      throw itemError(sourceId, `an item has no id at ${shownFinder(config.id)}`, item);
    },
    version,
    time: (item) => timeOf(time?.(item)),
    mark: (item) => {
      if (mark === undefined) return undefined;
      const found = mark(item);
      if (typeof found === 'string' || typeof found === 'number') return found;
      throw itemError(sourceId, 'an item has no value to go by at detect.field', item);
    },
  };
}

async function versionReader(detect: Detect, sourceId: string): Promise<(item: unknown) => string> {
  if (detect.by === 'content') {
    const { exclude } = detect;
    return (item) => hashOf(canonical(item, exclude));
  }
  const find = await compileOne(detect.by === 'version' ? detect.version : detect.field, sourceId);
  return (item) => hashOf(canonical(find(item)));
}

function itemsOf(
  find: FindAll,
  body: unknown,
  { label, shown, sourceId }: { label: string; shown: string; sourceId: string },
): readonly unknown[] {
  const items = find(body);
  if (items !== undefined) return items;
  // As no items it would mean that all are deleted.
  const message = `${label} answered with JSON that has no list at ${shown}. Is it another answer than usual, or the path wrong?`;
  throw new FatalError(message, { code: 'REST_ITEMS', sourceId });
}

function itemError(sourceId: string, message: string, item: unknown): FatalError {
  const kind = Array.isArray(item) ? 'a list' : typeof item;
  return new FatalError(`${message} (it is ${kind}): check the configuration`, { code: 'REST_ITEM', sourceId });
}

function shownFinder(finder: string | Finder): string {
  return typeof finder === 'string' ? finder : 'config.id';
}

/** Times as APIs write them: ISO 8601, or seconds or milliseconds since 1970. */
function timeOf(value: unknown): string | undefined {
  const milliseconds =
    typeof value === 'number' ? (value < SECONDS ? value * 1_000 : value) : Date.parse(String(value));
  return Number.isFinite(milliseconds) && Math.abs(milliseconds) < LAST
    ? new Date(milliseconds).toISOString()
    : undefined;
}

/** Numbers below count seconds: in milliseconds it would be 1973. */
const SECONDS = 1e11;
const LAST = 8.64e15;
