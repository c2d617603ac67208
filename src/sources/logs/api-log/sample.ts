/**
 * Whether an event is among the share that is kept: told by its id alone, so that the same are kept on any run, in any
 * process.
 */
export function isSampled(id: string, share: number): boolean {
  return hash(id) < share * 0x1_0000_0000;
}

/** FNV-1a, stirred as MurmurHash3 does at its end: ids that differ in their last digits alone must fall anywhere. */
function hash(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
