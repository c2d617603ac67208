import { createHash } from 'node:crypto';

/** Characters of a hash: 96 bits. */
const LENGTH = 16;

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, LENGTH);
}

/**
 * JSON with the keys of objects in order, so that what is the same is the same text, without the fields that are left out
 * (paths of names: 'stats.views').
 */
export function canonical(value: unknown, excluded: readonly string[] = []): string {
  if (Array.isArray(value)) return `[${value.map((each) => canonical(each)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const own = new Set(excluded);
  const parts: string[] = [];
  for (const name of Object.keys(value).sort()) {
    if (own.has(name)) continue;
    const below = excluded.filter((path) => path.startsWith(`${name}.`)).map((path) => path.slice(name.length + 1));
    parts.push(`${JSON.stringify(name)}:${canonical((value as Record<string, unknown>)[name], below)}`);
  }
  return `{${parts.join(',')}}`;
}
