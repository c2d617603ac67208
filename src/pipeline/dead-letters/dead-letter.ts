import type { SourceEvent } from '../../core/event.js';
import { redactText } from '../../core/secret.js';
import { messageOf } from '../../core/thrown.js';

/** An event that failed for good, with the reason. */
export interface DeadLetter {
  sourceId: string;
  event: SourceEvent;
  error: { name: string; code?: string; message: string };
  /** How often it was tried. */
  attempts: number;
  /** RFC 3339, when it was given up. */
  at: string;
}

/** Where events go that fail for good, so that the others may pass. */
export interface DeadLetterStore<Transaction = never> {
  /**
   * Resolves when they are kept for good: the cursor moves past them then. With `cursor: 'in-sink'` the sink's open
   * transaction is given: a store in the same database writes in it, every other one ignores it.
   */
  add(letters: readonly DeadLetter[], options?: { transaction?: Transaction | undefined }): Promise<void>;
  /** Oldest first; of one source, or of all. */
  list(sourceId?: string): AsyncIterable<DeadLetter>;
  /** Once they are dealt with. Takes letters as `list` gave them; others are ignored. */
  remove(letters: readonly DeadLetter[]): Promise<void>;
}

/** What is kept of an event that failed for good. Messages of errors may quote credentials; those are taken out. */
export function toDeadLetter(failed: { event: SourceEvent; error: unknown; attempts: number }, at: string): DeadLetter {
  const { event, attempts } = failed;
  return { sourceId: event.sourceid, event, error: describe(failed.error), attempts, at };
}

/** Tells letters apart: the same event may be given up more than once. */
export function letterKey({ sourceId, event, at }: DeadLetter): string {
  return JSON.stringify([sourceId, event.source, event.id, at]);
}

function describe(error: unknown): DeadLetter['error'] {
  if (!(error instanceof Error)) return { name: typeof error, message: redactText(messageOf(error)) };
  const { name, message } = error;
  const { code } = error as { code?: unknown };
  return { name, ...(typeof code === 'string' && { code }), message: redactText(message) };
}
