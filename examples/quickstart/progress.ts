import type { IngestReport } from 'headwater';

const TERMINAL_INTERVAL_MS = 100;
const PLAIN_INTERVAL_MS = 1_000;

/** One line that is rewritten on a terminal; elsewhere a line a second. */
export class Progress {
  readonly #title: string;
  readonly #isTerminal = process.stdout.isTTY === true;
  readonly #startedAt = performance.now();
  #shownAt = this.#startedAt;
  #written = 0;

  constructor(title: string) {
    this.#title = title;
    if (this.#isTerminal) this.#rewrite(title);
    else console.log(title);
  }

  /** Events a second so far. */
  get rate(): string {
    const seconds = (performance.now() - this.#startedAt) / 1_000;
    return formatCount(Math.round(this.#written / Math.max(seconds, 0.001)));
  }

  readonly show = ({ written }: IngestReport): void => {
    this.#written = written;
    const interval = this.#isTerminal ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS;
    if (performance.now() - this.#shownAt < interval) return;
    this.#shownAt = performance.now();
    const counts = `${formatCount(written)} events, ${this.rate} per second`;
    if (this.#isTerminal) this.#rewrite(`${this.#title}: ${counts}`);
    else console.log(`  ${counts}`);
  };

  /** Leaves the line free for what is said next. */
  readonly finish = (): void => {
    if (this.#isTerminal) this.#rewrite('');
  };

  /** A line longer than the terminal could not be taken back. */
  #rewrite(line: string): void {
    process.stdout.write(`\r\u001b[K${line.slice(-(process.stdout.columns || 80) + 1)}`);
  }
}

export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}
