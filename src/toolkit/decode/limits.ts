/** Bytes of one record of a format that is read record by record. */
export const MAX_RECORD_BYTES = 1_048_576;
/** Bytes of a document that is read whole. */
export const MAX_DOCUMENT_BYTES = 2_097_152;
/** How deep records may be nested. */
export const MAX_DEPTH = 100;
export const MAX_COLUMNS = 10_000;
/** YAML: how many nodes the aliases of a document may stand for. */
export const MAX_ALIASES = 10_000;

/** Whether a value from JSON is nested deeper. Text that is too short to be need not be looked at. */
export function isDeeper(value: unknown, depth: number, length = Number.POSITIVE_INFINITY): boolean {
  return length > depth && typeof value === 'object' && value !== null && isDeeperObject(value, depth);
}

/** Only objects are called with, and no lists of members are made: this is done with everything that is received. */
function isDeeperObject(value: object, depth: number): boolean {
  if (depth === 0) return true;
  if (Array.isArray(value)) {
    for (const member of value as unknown[]) {
      if (typeof member === 'object' && member !== null && isDeeperObject(member, depth - 1)) return true;
    }
    return false;
  }
  for (const key in value) {
    const member = (value as Record<string, unknown>)[key];
    if (typeof member === 'object' && member !== null && isDeeperObject(member, depth - 1)) return true;
  }
  return false;
}
