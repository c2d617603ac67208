import { DecodeError } from '../../core/errors.js';
import { type DeadLetter, type DeadLetterStore, letterKey } from '../../pipeline/dead-letters/dead-letter.js';
import { AppendFile, type AppendFileOptions } from '../../toolkit/append-file.js';
import { errorCode } from '../../toolkit/durable-file.js';
import { readWholeLines } from '../../toolkit/whole-lines.js';

/** A line of the file. What is removed is marked, never rewritten: a crash or a second reader finds it one way or the other. */
type Line = DeadLetter | { readonly removed: string };

/**
 * Keeps dead letters in a file, one line of JSON each. Added letters are on the disk when `add` resolves; a last line
 * torn by a crash is cut off by the next `add` or `remove`. The file only grows: delete it once `list` is empty.
 *
 * ```ts
 * await ingest({ source, sink, deadLetters: new JsonlDeadLetterStore('dead-letters.jsonl') });
 * ```
 */
export class JsonlDeadLetterStore implements DeadLetterStore {
  readonly #path: string;
  readonly #file: AppendFile;

  constructor(path: string, options: AppendFileOptions = {}) {
    this.#path = path;
    this.#file = new AppendFile(path, options);
  }

  /** @throws SinkError when the file system refuses; none of the letters is kept then. */
  add(letters: readonly DeadLetter[]): Promise<void> {
    return this.#append(letters);
  }

  /**
   * One line at a time, whatever the size of the file; no file is no letters.
   * @throws DecodeError naming the line that cannot be understood.
   */
  async *list(sourceId?: string): AsyncGenerator<DeadLetter> {
    const removed = await this.#removals();
    for await (const { number, line } of this.#lines()) {
      if ('removed' in line || (sourceId !== undefined && line.sourceId !== sourceId)) continue;
      if (number > (removed.get(letterKey(line)) ?? 0)) yield line;
    }
  }

  /** @throws SinkError when the file system refuses; then all of them are still listed. */
  remove(letters: readonly DeadLetter[]): Promise<void> {
    return this.#append(letters.map((letter) => ({ removed: letterKey(letter) })));
  }

  /** Closes the file; it may be listed still. May be called again. */
  close(): Promise<void> {
    return this.#file.close();
  }

  async #append(lines: readonly Line[]): Promise<void> {
    if (lines.length > 0) await this.#file.append(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }

  /** Up to which line each removed letter is removed: one that was added again after that is a new one. */
  async #removals(): Promise<Map<string, number>> {
    const removed = new Map<string, number>();
    for await (const { number, line } of this.#lines()) if ('removed' in line) removed.set(line.removed, number);
    return removed;
  }

  async *#lines(): AsyncGenerator<{ number: number; line: Line }> {
    let number = 0;
    try {
      for await (const some of readWholeLines(this.#path)) {
        for (const text of some) {
          number += 1;
          yield { number, line: this.#parse(text, number) };
        }
      }
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
    }
  }

  #parse(text: string, number: number): Line {
    let cause: unknown;
    try {
      const line: unknown = JSON.parse(text);
      if (typeof line === 'object' && line !== null) return line as Line;
    } catch (error) {
      cause = error;
    }
    const at = { file: this.#path, line: number };
    throw new DecodeError(`line ${number} of ${this.#path} is no dead letter: mend or remove it`, { at, cause });
  }
}
