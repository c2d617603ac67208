/** PostgreSQL's text of a snapshot: `xmin:xmax:xip,xip`. */
export interface TransactionSnapshot {
  /** The oldest transaction that is still open: all before it are over. */
  readonly xmin: bigint;
  /** The first that had not begun. */
  readonly xmax: bigint;
}

/** @throws Error for what is no snapshot: the text comes from the server, or from a cursor whose schema has checked it */
export function parseSnapshot(text: string): TransactionSnapshot {
  const [xmin = '', xmax = ''] = text.split(':');
  return { xmin: BigInt(xmin), xmax: BigInt(xmax) };
}

/** A snapshot that sees what is older than every open transaction, and nothing else. */
export function horizonOf(text: string): string {
  const { xmin } = parseSnapshot(text);
  return `${xmin}:${xmin}:`;
}
