import { SlackFailure } from './failure.js';
import { isExactTs, parseTs } from './timestamp.js';

/** The arguments of one call, read the way Slack reads them; what a client should not have sent is noted. */
export class CallArguments {
  readonly #values: ReadonlyMap<string, string>;
  readonly #note: (violation: string) => void;

  constructor(values: ReadonlyMap<string, string>, note: (violation: string) => void) {
    this.#values = values;
    this.#note = note;
  }

  /** @throws SlackFailure (invalid_arguments) where it is missing. */
  required(name: string): string {
    const value = this.text(name);
    if (value !== undefined) return value;
    this.#note(`the required argument ${name} is missing`);
    throw new SlackFailure('invalid_arguments', {
      response_metadata: { messages: [`[ERROR] missing required field: ${name}`] },
    });
  }

  /** Empty is the same as absent. */
  text(name: string): string | undefined {
    const value = this.#values.get(name);
    return value === '' ? undefined : value;
  }

  flag(name: string): boolean {
    const value = this.text(name);
    if (value !== undefined && !['true', 'false', '1', '0'].includes(value)) this.#note(`${name} was ${value}`);
    return value === 'true' || value === '1';
  }

  /** @throws SlackFailure (invalid_limit) outside of 1 to `maximum`. */
  limit(fallback: number, maximum: number): number {
    const value = this.text('limit');
    if (value === undefined) return fallback;
    const limit = Number(value);
    if (Number.isInteger(limit) && limit >= 1 && limit <= maximum) return limit;
    this.#note(`limit was ${value}, not from 1 to ${maximum}`);
    throw new SlackFailure('invalid_limit');
  }

  /** A time in microseconds. */
  time(name: string, fallback: number): number {
    const value = this.text(name);
    if (value === undefined) return fallback;
    // A bare 0 is how the documentation writes the beginning.
    if (value !== '0' && !isExactTs(value))
      this.#note(`${name} was ${value}, not a ts with six digits after the point`);
    const micros = parseTs(value);
    if (micros === undefined) throw new SlackFailure(`invalid_ts_${name}`);
    return micros;
  }
}
