import { ConfigError } from '../../core/errors.js';
import { importJsonPath } from './client.js';
import type { Finder } from './config.js';

/** Finds all values that a path names; `undefined` where what should hold them is not there at all. */
export type FindAll = (value: unknown) => readonly unknown[] | undefined;

type Segment = string | number | typeof EVERY;
const EVERY = Symbol('every');

const SEGMENT =
  /\.([A-Za-z_\u0080-\uffff][\w\u0080-\uffff-]*)|\[(?:'((?:[^'\\]|\\['\\])*)'|"((?:[^"\\]|\\["\\])*)"|(\d+)|(\*))\]/y;

/**
 * What a finder of a configuration finds. Paths of names, indexes and wildcards are walked here; for more of JSONPath
 * (RFC 9535), such as filters and slices, the package `jsonpath-rfc9535` is needed.
 *
 * @throws ConfigError for what is no path, or one with `match` or `search`, whose patterns may take for ever on hostile data;
 * MissingPeerError
 */
export async function compileFinder(finder: string | Finder, sourceId: string): Promise<FindAll> {
  if (typeof finder === 'function') return (value) => asList(finder(value));
  const segments = segmentsOf(finder);
  if (segments !== undefined) return (value) => walk(value, segments);
  if (/\b(match|search)\s*\(/.test(finder)) {
    throw pathError(
      sourceId,
      finder,
      'match and search may take for ever on hostile data: use a function in their place',
    );
  }
  const query = await importJsonPath();
  try {
    query({} as never, finder);
  } catch (error) {
    throw pathError(sourceId, finder, error instanceof Error ? error.message : 'it is no JSONPath');
  }
  return (value) => query(value as never, finder);
}

/** The first value, or undefined. */
export async function compileOne(finder: string | Finder, sourceId: string): Promise<Finder> {
  if (typeof finder === 'function') return finder;
  const find = await compileFinder(finder, sourceId);
  return (value) => find(value)?.[0];
}

function asList(found: unknown): readonly unknown[] | undefined {
  return Array.isArray(found) ? found : undefined;
}

/** Undefined for a path that takes more. */
function segmentsOf(path: string): readonly Segment[] | undefined {
  const segments: Segment[] = [];
  SEGMENT.lastIndex = 1;
  while (SEGMENT.lastIndex < path.length) {
    const found = SEGMENT.exec(path);
    if (found === null) return undefined;
    const [, name, single, double, index, every] = found;
    if (every !== undefined) segments.push(EVERY);
    else if (index !== undefined) segments.push(Number(index));
    else segments.push(name ?? unescaped(single ?? double ?? ''));
  }
  return segments;
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, '$1');
}

function walk(value: unknown, segments: readonly Segment[]): readonly unknown[] | undefined {
  let found: unknown[] = [value];
  for (const segment of segments) {
    if (segment === EVERY) {
      if (found.length === 0 || !found.every((each) => typeof each === 'object' && each !== null)) return undefined;
      found = found.flatMap((each) => Object.values(each as object));
    } else {
      found = found.flatMap((each) => (isIn(each, segment) ? [each[segment as never]] : []));
    }
  }
  return found;
}

function isIn(value: unknown, segment: string | number): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return typeof segment === 'number' ? Array.isArray(value) && segment < value.length : Object.hasOwn(value, segment);
}

function pathError(sourceId: string, path: string, reason: string): ConfigError {
  const message = `the path ${path} cannot be used: ${reason}`;
  return new ConfigError([{ severity: 'error', code: 'REST_PATH', message }], { code: 'REST_PATH', sourceId });
}
