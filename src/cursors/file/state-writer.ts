import type { NumberedGeneration } from './generation.js';
import {
  appendToJournal,
  applyLines,
  beginJournal,
  compactLines,
  isCompactionDue,
  type Journal,
  readJournals,
  type StateFiles,
} from './state-files.js';

/** Writes the state of one source for one store. */
export class StateWriter {
  readonly #directory: string;
  readonly #sourceId: string;
  /** The journal that nobody else appends to. */
  #own: string | undefined;

  constructor(directory: string, sourceId: string) {
    this.#directory = directory;
    this.#sourceId = sourceId;
  }

  /** The state files of the generation that follows `current`, with these lines in them, on the disk. */
  async write(current: NumberedGeneration, lines: readonly string[]): Promise<StateFiles> {
    const { state } = current.generation;
    if (lines.length === 0) return state;
    if (isCompactionDue(state)) return this.#compact(current, lines);
    const journal = await this.#append(state, lines);
    if (journal !== undefined) return { ...state, journals: [...state.journals.slice(0, -1), journal] };
    const begun = await this.#begin(current, lines);
    const compactedBytes = state.journals.length === 0 ? begun.bytes : state.compactedBytes;
    return { ...state, compactedBytes, journals: [...state.journals, begun] };
  }

  async #append({ journals }: StateFiles, lines: readonly string[]): Promise<Journal | undefined> {
    const last = journals.at(-1);
    if (last === undefined || last.name !== this.#own) return undefined;
    return appendToJournal(this.#directory, last, lines);
  }

  async #compact(current: NumberedGeneration, lines: readonly string[]): Promise<StateFiles> {
    const { journals, retired } = current.generation.state;
    const state = await readJournals(this.#directory, journals, this.#sourceId);
    applyLines(lines, '', state);
    const begun = await this.#begin(current, compactLines(state));
    const now = journals.map(({ name }) => ({ name, until: current.number }));
    return { journals: [begun], compactedBytes: begun.bytes, retired: [...retired, ...now] };
  }

  async #begin(current: NumberedGeneration, lines: Iterable<string>): Promise<Journal> {
    const journal = await beginJournal(this.#directory, current.number + 1, lines);
    this.#own = journal.name;
    return journal;
  }
}
