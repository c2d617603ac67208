import { SkippableError } from '../../core/errors.js';
import { type Logger, silentLogger } from '../../core/logger.js';
import { AppendFile, type Repair } from '../../toolkit/append-file.js';

export interface JsonlSinkOptions {
  /** Hears of the torn last line that a crash left, after it was cut off. */
  onRepair?: ((repair: Repair) => void) | undefined;
  /** Is warned of a repair. Default: silent. */
  logger?: Logger | undefined;
}

/**
 * Appends every event to a file, as one line of JSON.
 *
 * A batch is on the disk when `write` resolves: one write, one fsync. A batch that fails leaves the file as it was, so a
 * retry repeats nothing. The file is opened with the first batch, readable by its owner only; a last line torn by a
 * crash is cut off then. One sink per file; its directory has to exist.
 *
 * ```ts
 * await ingest({ source, sink: new JsonlSink('events.jsonl'), cursorStore });
 * ```
 */
export class JsonlSink<Output = unknown> {
  readonly #file: AppendFile;

  constructor(path: string, options: JsonlSinkOptions = {}) {
    const { onRepair, logger = silentLogger } = options;
    this.#file = new AppendFile(path, {
      onRepair: (repair) => {
        const { offset, bytes } = repair;
        logger.warn({ path, offset, bytes: bytes.length }, 'cut off a last line that was torn by a crash');
        onRepair?.(repair);
      },
    });
  }

  /**
   * @throws SkippableError 'NOT_JSON' when an event has no JSON form; nothing is written then.
   * @throws SinkError 'SINK_DISK_FULL', 'SINK_IO' or 'SINK_CLOSED', saying what to do.
   */
  async write(batch: { readonly events: readonly Output[]; readonly signal?: AbortSignal | undefined }): Promise<void> {
    batch.signal?.throwIfAborted();
    let text = '';
    for (const event of batch.events) text += `${toLine(event)}\n`;
    if (text !== '') await this.#file.append(text);
  }

  /** Waits for the batch in hand and closes the file. May be called again. */
  close(): Promise<void> {
    return this.#file.close();
  }
}

function toLine(event: unknown): string {
  let cause: unknown;
  try {
    const line: string | undefined = JSON.stringify(event);
    if (line !== undefined) return line;
  } catch (error) {
    cause = error;
  }
  throw new SkippableError(`an event cannot be written as JSON (it is of type ${typeof event})`, {
    code: 'NOT_JSON',
    cause,
  });
}
