import type { Deadlines } from './deadlines.js';
import { CLOSE, HttpError, type Incoming, refusal, unavailable } from './incoming.js';

/** How many bytes may be held, over all requests, that nobody has verified yet. */
export class Budget {
  readonly #most: number;
  #used = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get used(): number {
    return this.#used;
  }

  take(bytes: number): boolean {
    if (this.#used + bytes > this.#most) return false;
    this.#used += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#used -= bytes;
  }
}

export interface BodyLimits {
  readonly maxBytes: number;
  /** In milliseconds since the epoch. */
  readonly until: number;
  readonly budget: Budget;
  readonly deadlines: Deadlines;
}

/**
 * Reads a body, no further than it may go. What is returned counts against the budget until it is given back.
 * @throws HttpError: 413, 503 where the budget is used up, 408 when it takes too long
 */
export async function readBody(
  incoming: Incoming,
  { maxBytes, until, budget, deadlines }: BodyLimits,
): Promise<Buffer> {
  const announced = incoming.header('content-length');
  if (announced !== undefined && Number(announced) > maxBytes) throw tooLarge(maxBytes);
  const chunks: Uint8Array[] = [];
  let total = 0;
  const take = (chunk: Uint8Array): void => {
    if (total + chunk.length > maxBytes) throw tooLarge(maxBytes);
    if (!budget.take(chunk.length)) throw new HttpError(unavailable('too much is coming in at once', CLOSE));
    total += chunk.length;
    chunks.push(chunk);
  };
  let end: (error: unknown) => void = () => {};
  const callOff = deadlines.add(until, () => end(new HttpError(refusal(408, 'the body took too long to come', CLOSE))));
  try {
    await incoming.read(take, (given) => {
      end = given;
    });
  } catch (error) {
    budget.giveBack(total);
    throw error;
  } finally {
    callOff();
  }
  const only = chunks[0];
  return chunks.length === 1 && Buffer.isBuffer(only) ? only : Buffer.concat(chunks, total);
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError(refusal(413, `the body has more than ${maxBytes} bytes`, CLOSE));
}
