const BUCKET_MS = 60_000;

/** A key that is remembered. */
export interface RememberedKey {
  readonly key: string;
  /** Of the record that had it first. */
  readonly sequence: number;
  readonly expiresAt: number;
}

/** Keys that are forgotten in the same minute, by sequence, from `head` on. */
interface Bucket {
  keys: string[];
  sequences: number[];
  head: number;
}

/**
 * The keys of deliveries that were taken, each until its time is over, to the minute: a sender that tries again within it
 * is answered and not heard twice. Bounded: beyond `maxKeys`, those whose time is over first are forgotten before it.
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
    const bucket = this.#buckets.get(minute) ?? { keys: [], sequences: [], head: 0 };
    this.#buckets.set(minute, bucket);
    bucket.keys.push(key);
    bucket.sequences.push(sequence);
    if (this.#known.size > this.#maxKeys) this.#forgetOne();
  }

  /** Forgets what is over. */
  sweep(now: number): void {
    if (now < this.#nextSweep && now >= this.#nextSweep - BUCKET_MS) return;
    this.#nextSweep = now + BUCKET_MS;
    for (const [minute, bucket] of this.#buckets) {
      if (minute * BUCKET_MS > now) continue;
      this.#buckets.delete(minute);
      for (let index = bucket.head; index < bucket.keys.length; index += 1) this.#forget(bucket, index);
    }
  }

  /** The keys of these records that are still remembered. */
  *between(first: number, last: number): Generator<RememberedKey, void, undefined> {
    for (const [minute, { keys, sequences, head }] of this.#buckets) {
      for (let index = Math.max(head, firstAtLeast(sequences, first)); index < keys.length; index += 1) {
        const sequence = sequences[index] as number;
        const key = keys[index] as string;
        if (sequence > last) break;
        if (this.#known.get(key) === sequence) yield { key, sequence, expiresAt: minute * BUCKET_MS };
      }
    }
  }

  #forgetOne(): void {
    for (const [minute, bucket] of this.#buckets) {
      while (bucket.head < bucket.keys.length) {
        const isForgotten = this.#forget(bucket, bucket.head);
        bucket.head += 1;
        if (!isForgotten) continue;
        this.#forgottenEarly += 1;
        return shorten(bucket);
      }
      this.#buckets.delete(minute);
    }
  }

  /** False where the key has come again since, and belongs to another record. */
  #forget({ keys, sequences }: Bucket, index: number): boolean {
    const key = keys[index] as string;
    return this.#known.get(key) === sequences[index] && this.#known.delete(key);
  }
}

/** Lets go of what lies before the head, when that is half of it. */
function shorten(bucket: Bucket): void {
  if (bucket.head < bucket.keys.length / 2) return;
  bucket.keys = bucket.keys.slice(bucket.head);
  bucket.sequences = bucket.sequences.slice(bucket.head);
  bucket.head = 0;
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
