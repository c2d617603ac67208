const BUCKET_MS = 60_000;

/** A key that is remembered. */
export interface RememberedKey {
  readonly key: string;
  /** Of the record that had it first. */
  readonly sequence: number;
  readonly expiresAt: number;
}

/** Keys that are forgotten in the same minute, by sequence. */
interface Bucket {
  readonly keys: string[];
  readonly sequences: number[];
}

/**
 * The keys of deliveries that were taken, each until its time is over, to the minute: a sender that tries again within it
 * is answered and not heard twice. Bounded: beyond `maxKeys`, the oldest are forgotten before their time.
 */
export class DeliveryKeys<Pending> {
  readonly #maxKeys: number;
  /** Sequences, and what records that are not on the disk yet will become. */
  readonly #known = new Map<string, number | Pending>();
  readonly #buckets = new Map<number, Bucket>();
  #nextSweep = 0;
  #forgottenEarly = 0;

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
  }

  get size(): number {
    return this.#known.size;
  }

  /** How many were forgotten because there were too many. */
  get forgottenEarly(): number {
    return this.#forgottenEarly;
  }

  /** The sequence of the record that had this key, or what it will become. */
  get(key: string): number | Pending | undefined {
    return this.#known.get(key);
  }

  /** A record with this key is being written: `remember` or `withdraw` follows. */
  expect(key: string, pending: Pending): void {
    this.#known.set(key, pending);
  }

  /** It was not written. */
  withdraw(key: string): void {
    this.#known.delete(key);
  }

  /** Calls come in the order of the sequences. */
  remember(key: string, sequence: number, expiresAt: number): void {
    this.#known.set(key, sequence);
    const minute = Math.ceil(expiresAt / BUCKET_MS);
    const bucket = this.#buckets.get(minute) ?? { keys: [], sequences: [] };
    this.#buckets.set(minute, bucket);
    bucket.keys.push(key);
    bucket.sequences.push(sequence);
    if (this.#known.size > this.#maxKeys) this.#forgetOldest();
  }

  /** Forgets what is over. */
  sweep(now: number): void {
    if (now < this.#nextSweep && now >= this.#nextSweep - BUCKET_MS) return;
    this.#nextSweep = now + BUCKET_MS;
    for (const [minute, bucket] of this.#buckets) {
      if (minute * BUCKET_MS > now) continue;
      this.#buckets.delete(minute);
      for (const [index, key] of bucket.keys.entries()) {
        // It may have been forgotten early, and have come again since.
        if (this.#known.get(key) === bucket.sequences[index]) this.#known.delete(key);
      }
    }
  }

  /** The keys of these records that are still remembered. */
  *between(first: number, last: number): Generator<RememberedKey, void, undefined> {
    for (const [minute, { keys, sequences }] of this.#buckets) {
      for (let index = firstAtLeast(sequences, first); index < keys.length; index += 1) {
        const sequence = sequences[index] as number;
        const key = keys[index] as string;
        if (sequence > last) break;
        if (this.#known.get(key) === sequence) yield { key, sequence, expiresAt: minute * BUCKET_MS };
      }
    }
  }

  #forgetOldest(): void {
    for (const key of this.#known.keys()) {
      this.#known.delete(key);
      this.#forgottenEarly += 1;
      return;
    }
  }
}

/** The first index whose number is not below `wanted`, in an ascending list. */
function firstAtLeast(ascending: readonly number[], wanted: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] as number) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
