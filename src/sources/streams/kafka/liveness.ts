import { RetryableError } from '../../../core/errors.js';

/** Looked at so many times within the limit. */
const LOOKS = 4;

/**
 * Tells when nothing was heard for too long: after brokers went away, kafkajs may wait for ever for what was under way,
 * without a connection, and say nothing.
 */
export class Liveness {
  readonly #limitMs: number;
  readonly #error: () => RetryableError;
  #heardAt = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(limitMs: number, sourceId: string) {
    this.#limitMs = limitMs;
    this.#error = () =>
      new RetryableError(`nothing was heard of Kafka for ${limitMs} ms: the group is joined anew`, {
        code: 'KAFKA_SILENT',
        sourceId,
      });
  }

  readonly heard = (): void => {
    this.#heardAt = performance.now();
  };

  /** Until `stop`. */
  watch(onSilence: (error: RetryableError) => void): void {
    this.heard();
    this.stop();
    this.#timer = setInterval(() => {
      if (performance.now() - this.#heardAt < this.#limitMs) return;
      this.stop();
      onSilence(this.#error());
    }, this.#limitMs / LOOKS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** @throws RetryableError (KAFKA_SILENT) when it takes longer */
  async within<Result>(work: Promise<Result>): Promise<Result> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(this.#error()), this.#limitMs);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
      work.catch(() => {});
    }
  }
}
