import { type DeadLetter, type DeadLetterStore, letterKey } from './dead-letter.js';

/**
 * Keeps dead letters in memory: for tests, and for hosts that look at them at the end of a run.
 *
 * ```ts
 * const deadLetters = new MemoryDeadLetterStore();
 * await ingest({ source, sink, deadLetters });
 * for await (const letter of deadLetters.list()) report(letter);
 * ```
 */
export class MemoryDeadLetterStore implements DeadLetterStore {
  #letters: DeadLetter[] = [];

  async add(letters: readonly DeadLetter[]): Promise<void> {
    this.#letters = [...this.#letters, ...structuredClone(letters)];
  }

  /** What was there when it was called. */
  async *list(sourceId?: string): AsyncGenerator<DeadLetter> {
    for (const letter of this.#letters) {
      if (sourceId === undefined || letter.sourceId === sourceId) yield structuredClone(letter);
    }
  }

  async remove(letters: readonly DeadLetter[]): Promise<void> {
    const removed = new Set(letters.map(letterKey));
    this.#letters = this.#letters.filter((letter) => !removed.has(letterKey(letter)));
  }
}
