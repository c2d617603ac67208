import { createHash } from 'node:crypto';
import type { Known, KnownItems } from './known-items.js';

/** The items of a page, as they were known when it was read. */
export interface SamePage {
  readonly keys: readonly string[];
  readonly known: readonly (Known | undefined)[];
}

/**
 * Pages as the last pass had them, by their bytes: one that is the same byte for byte has nothing new in it, and need not
 * even be parsed.
 */
export class PageMemory {
  #last = new Map<string, SamePage>();
  #present = new Map<string, SamePage>();

  /** Undefined where there was none like it, or what is known of its items is not what it was. */
  find(digest: string, items: KnownItems): SamePage | undefined {
    const page = this.#last.get(digest);
    return page?.keys.every((key, at) => items.get(key) === page.known[at]) === true ? page : undefined;
  }

  keep(digest: string, keys: readonly string[], items: KnownItems): void {
    this.#present.set(digest, { keys, known: keys.map((key) => items.get(key)) });
  }

  /** A pass is complete: its pages are what the next one is compared with. */
  turn(): void {
    this.#last = this.#present;
    this.#present = new Map();
  }
}

export function digestOf(body: Uint8Array): string {
  return createHash('sha1').update(body).digest('base64');
}
