import type { CST } from 'yaml';

interface Open {
  readonly token: object;
  readonly depth: number;
}

/**
 * Where a document is nested deeper, found before it is composed: the composer calls itself at each level, and a stack
 * that overflows within a regular expression ends the process, which nothing can catch.
 */
export function findTooDeep(document: CST.Token, maxDepth: number): number | undefined {
  const open: Open[] = [{ token: document, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next;
    if (depth > maxDepth) return (token as { offset?: number }).offset ?? 0;
    for (const child of childrenOf(token)) open.push({ token: child, depth: depth + ('items' in token ? 1 : 0) });
  }
  return undefined;
}

function childrenOf(token: object): object[] {
  const { value, items } = token as { value?: unknown; items?: readonly { key?: unknown; value?: unknown }[] };
  const children = isObject(value) ? [value] : [];
  for (const { key, value: member } of items ?? []) {
    if (isObject(key)) children.push(key);
    if (isObject(member)) children.push(member);
  }
  return children;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
