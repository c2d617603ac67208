/** A time zone: what lines without one are taken to be in. */
export interface Zone {
  /** As it was configured. */
  readonly name: string;
  /** Minutes east of UTC when the clocks of the zone show this. `wallClock`: as `Date.UTC` of what they show. */
  offsetAt(wallClock: number): number;
}

const FIXED = /^(?:UTC|Z|GMT|([+-])(\d\d):?(\d\d))$/;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Offsets change on the quarter hour, and nowhere else. */
const QUARTER_MS = 15 * MINUTE_MS;

export const UTC: Zone = { name: 'UTC', offsetAt: () => 0 };

/** Whether this system knows a zone of that name: 'UTC', '+02:00', 'Europe/Berlin'. */
export function isZone(name: string): boolean {
  if (FIXED.test(name)) return true;
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

/**
 * What clocks show twice when they are set back is the earlier instant; what they never show when they are set forward
 * counts as before the change.
 */
export function createZone(name: string): Zone {
  const fixed = FIXED.exec(name);
  if (fixed === null) return new NamedZone(name);
  const [, sign, hours, minutes] = fixed;
  if (sign === undefined) return { ...UTC, name };
  const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
  return { name, offsetAt: () => offset };
}

/** '+02:00'; 'Z' for UTC. */
export function offsetText(offset: number): string {
  if (offset === 0) return 'Z';
  const minutes = Math.abs(offset);
  return `${offset < 0 ? '-' : '+'}${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)}`;
}

class NamedZone implements Zone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  #quarter = Number.NaN;
  #offset = 0;

  constructor(name: string) {
    this.name = name;
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  offsetAt(wallClock: number): number {
    const quarter = Math.floor(wallClock / QUARTER_MS);
    if (quarter !== this.#quarter) {
      this.#offset = this.#find(quarter * QUARTER_MS);
      this.#quarter = quarter;
    }
    return this.#offset;
  }

  #find(wallClock: number): number {
    const before = this.#offsetOf(wallClock - DAY_MS);
    const after = this.#offsetOf(wallClock + DAY_MS);
    if (before === after || this.#offsetOf(wallClock - before * MINUTE_MS) === before) return before;
    return this.#offsetOf(wallClock - after * MINUTE_MS) === after ? after : before;
  }

  /** Of an instant. */
  #offsetOf(instant: number): number {
    const shown = new Map(this.#format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
    const part = (name: Intl.DateTimeFormatPartTypes): number => shown.get(name) ?? 0;
    const wallClock = Date.UTC(
      part('year'),
      part('month') - 1,
      part('day'),
      part('hour'),
      part('minute'),
      part('second'),
    );
    return Math.round((wallClock - Math.floor(instant / 1_000) * 1_000) / MINUTE_MS);
  }
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : `${value}`;
}
