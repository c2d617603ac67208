import { randomUUID } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CursorError } from '../../core/errors.js';
import { withFaultPoints } from '../../core/fault-point.js';
import { createFile, errorCode, syncDirectory } from '../../toolkit/durable-file.js';
import { linkOnce, makeDirectory, readIfPresent, removeIfPresent, syncParents } from './file-calls.js';
import {
  type Draft,
  decodeGeneration,
  emptyGeneration,
  encodeGeneration,
  type Generation,
  type NumberedGeneration,
} from './generation.js';
import { generationName, type Listing, newTemporaryName, readListing } from './names.js';
import { removeUnneeded } from './prune.js';

/**
 * The numbered generations of one source, each a file of its own.
 *
 * Why no accepted change is lost, however many processes write and wherever they are stopped:
 * - A generation is complete and on the disk before `link` gives it its name, and `link` never replaces a file. So of
 *   all who made theirs from number n, one gets n + 1.
 * - The highest number counts. It is never removed, so numbers only grow, also over a delete, which is a generation too.
 * - A writer may sleep so long that n + 1 exists no more when it links it: n + 1 was pruned, so a higher one exists.
 *   Whoever links looks for a higher one afterwards. Where there is none, nobody else ever had n + 1. Where there is
 *   one, n + 2 says which n + 1 it was made from: ours, which then stands, or another's, and ours is taken back. Nobody
 *   can have built on it in between, as it never was the highest.
 * - Only when so many others followed within that look that n + 2 is pruned too, a change that stood is reported as a
 *   conflict. That is as true: somebody else went on from it.
 */
export class Generations {
  constructor(
    readonly directory: string,
    /** undefined: whichever is found there. */
    readonly sourceId: string | undefined,
  ) {}

  /** Makes the directory, and its own name durable. */
  async prepare(): Promise<void> {
    const root = dirname(this.directory);
    const first = mkdirSync(root, { recursive: true, mode: 0o700 });
    makeDirectory(this.directory);
    // Also where it was there: whoever made it may have been stopped before this.
    await syncDirectory(root);
    if (first !== undefined) await syncParents(root, dirname(first));
    this.#refuseLink();
  }

  /** The newest generation; number 0 where there is none. */
  readNewest(): NumberedGeneration {
    this.#refuseLink();
    let tried: number | undefined;
    for (;;) {
      const [newest] = this.list().generations;
      if (newest === undefined) return emptyGeneration(this.sourceId);
      const generation = this.#readNewestAt(newest);
      if (generation !== undefined) return { number: newest, generation };
      // Gone between listing and reading: by then there is a newer one, unless the directory is not what it seems.
      if (newest === tried) throw new CursorError(`${this.#pathOf(newest)} is listed, but is not there`);
      tried = newest;
    }
  }

  /**
   * Puts the next generation after `current`, on the disk when it resolves.
   * @returns undefined when another writer was first.
   */
  async append(current: NumberedGeneration, draft: Draft): Promise<NumberedGeneration | undefined> {
    const number = current.number + 1;
    const { id: previous } = current.generation;
    const bytes = encodeGeneration({ sourceId: this.sourceId ?? '', id: randomUUID(), previous, ...draft });
    const generation = decodeGeneration(bytes, '', this.sourceId);
    const listing = await this.#put(number, generation, bytes);
    if (listing === undefined) return undefined;
    await withFaultPoints('cursor-file.fsync-directory', () => syncDirectory(this.directory));
    if (listing.generations[0] === number) await removeUnneeded(this.directory, { number, generation }, listing);
    return { number, generation };
  }

  /**
   * One generation, undefined where there is no such file.
   * @throws CursorError when it cannot be understood.
   */
  read(number: number): Generation | undefined {
    const path = this.#pathOf(number);
    const bytes = readIfPresent(path);
    return bytes === undefined ? undefined : decodeGeneration(bytes, path, this.sourceId);
  }

  /** The newest generation that can be read, at or below a number. */
  newestReadable(atMost = Number.POSITIVE_INFINITY): NumberedGeneration | undefined {
    for (const number of this.list().generations) {
      const generation = number <= atMost ? this.readOrSkip(number) : undefined;
      if (generation !== undefined) return { number, generation };
    }
    return undefined;
  }

  list(): Listing {
    try {
      return readListing(readdirSync(this.directory));
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return readListing([]);
      throw error;
    }
  }

  async #put(number: number, generation: Generation, bytes: Buffer): Promise<Listing | undefined> {
    const name = newTemporaryName();
    const temporary = join(this.directory, name);
    try {
      await createFile(temporary, bytes, 'cursor-file.');
      const linked = await withFaultPoints('cursor-file.link', () => linkOnce(temporary, this.#pathOf(number)));
      const listing = this.list();
      if (this.#stands(number, generation, linked, listing)) return withoutTemporary(listing, name);
      if (linked) removeIfPresent(this.#pathOf(number));
      return undefined;
    } finally {
      removeIfPresent(temporary);
    }
  }

  #stands(number: number, { id }: Generation, linked: boolean, { generations }: Listing): boolean {
    // Network file systems may do what they then report as failed: a taken name can be ours.
    if (generations[0] === number) return linked || this.read(number)?.id === id;
    return this.read(number + 1)?.previous === id;
  }

  #readNewestAt(number: number): Generation | undefined {
    try {
      return this.read(number);
    } catch (error) {
      throw CursorError.isInstance(error) && error.code === 'CURSOR_CORRUPT' ? this.#withRescue(error, number) : error;
    }
  }

  #withRescue(error: CursorError, number: number): CursorError {
    const earlier = this.newestReadable(number - 1);
    const advice =
      earlier?.generation.record === undefined
        ? 'There is no earlier one: restore the file, or delete the cursor to begin again'
        : `The previous good one is revision ${earlier.generation.record.revision} in ${this.#pathOf(earlier.number)}: ` +
          'to go on from there, stop all writers and move the damaged file away';
    return new CursorError(`${error.message}. ${advice}`, { code: error.code, sourceId: this.sourceId });
  }

  /** As `read`, undefined also where it cannot be understood. */
  readOrSkip(number: number): Generation | undefined {
    try {
      return this.read(number);
    } catch (error) {
      if (CursorError.isInstance(error)) return undefined;
      throw error;
    }
  }

  #refuseLink(): void {
    const stats = lstatSync(this.directory, { throwIfNoEntry: false });
    if (stats === undefined || stats.isDirectory()) return;
    throw new CursorError(
      `${this.directory} is not a directory (a symbolic link is refused as well): nothing was read or written`,
      { code: 'CURSOR_UNSAFE_PATH', sourceId: this.sourceId },
    );
  }

  #pathOf(number: number): string {
    return join(this.directory, generationName(number));
  }
}

function withoutTemporary(listing: Listing, own: string): Listing {
  return { ...listing, temporaries: listing.temporaries.filter((name) => name !== own) };
}
