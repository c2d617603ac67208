/** PostgreSQL's text of a snapshot: `xmin:xmax:xip,xip`. */
export interface TransactionSnapshot {
  /** The oldest transaction that is still open: all before it are over. */
  readonly xmin: bigint;
  /** The first that had not begun. */
  readonly xmax: bigint;
  /** Those before `xmax` that are open, without their subtransactions. */
  readonly open: readonly bigint[];
}

/** @throws SyntaxError for what is no snapshot: the text comes from the server, or from a cursor that was checked */
export function parseSnapshot(text: string): TransactionSnapshot {
  const [xmin = '', xmax = '', open = ''] = text.split(':');
  return { xmin: BigInt(xmin), xmax: BigInt(xmax), open: open === '' ? [] : open.split(',').map(BigInt) };
}
