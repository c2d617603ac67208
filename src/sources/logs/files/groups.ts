import type { Line, LineNotes } from '../../../toolkit/lines/line.js';
import type { TailPosition } from '../../../toolkit/tail/tail-position.js';
import type { TailedFile } from '../../../toolkit/tail/tailed-file.js';
import type { MultilineConfig } from '../format/config.js';
import type { Grouping } from '../format/grouping.js';

/** Lines that are one event, and where their files stand when it is done with. */
export interface Group {
  readonly path: string;
  readonly key: string;
  readonly line: Line;
  readonly marks: ReadonlyMap<TailedFile, TailPosition>;
}

/** A group whose end was not seen yet. */
interface OpenGroup {
  readonly path: string;
  readonly key: string;
  readonly start: number;
  readonly marks: Map<TailedFile, TailPosition>;
  readonly notes: LineNotes;
  text: string;
  last: string;
  lines: number;
  bytes: number;
  end: number;
  since: number;
}

export type GroupLimits = Pick<MultilineConfig, 'maxLines' | 'maxBytes' | 'timeoutMs'>;

/** More than this, of all files together, is not held: the oldest groups are told then. */
const MOST_HELD_BYTES = 33_554_432;

/**
 * Makes groups of the lines of files. Lines of files that followed one another under one name belong together, so that
 * a group that rotation cut in two is whole.
 */
export class Groups {
  readonly #grouping: Grouping;
  readonly #limits: GroupLimits;
  readonly #now: () => number;
  /** By name, those that began first in front. */
  readonly #open = new Map<string, OpenGroup>();
  #bytes = 0;

  constructor(grouping: Grouping, limits: GroupLimits, now: () => number) {
    this.#grouping = grouping;
    this.#limits = limits;
    this.#now = now;
  }

  /** The groups that are complete by these lines of a file; `marks` has its position after each of them. */
  add(file: TailedFile, lines: readonly Line[], markAt: (line: Line) => TailPosition): Group[] {
    const complete: Group[] = [];
    const { maxLines, maxBytes } = this.#limits;
    for (const line of lines) {
      const group = this.#open.get(file.path);
      const bytes = line.end - line.start;
      const isPart = line.notes?.continuation === true;
      const isFull = group !== undefined && (group.lines >= maxLines || group.bytes + bytes > maxBytes);
      if (group !== undefined && (isFull || (!isPart && this.#grouping.begins(line.text, group.last)))) {
        complete.push(this.#close(group));
      }
      this.#put(file, line, bytes, markAt(line));
    }
    while (this.#bytes > MOST_HELD_BYTES) {
      const [oldest] = this.#open.values();
      if (oldest === undefined) break;
      complete.push(this.#close(oldest));
    }
    return complete;
  }

  /** Those to which nothing was added for long enough. */
  takeDue(): Group[] {
    const until = this.#now() - this.#limits.timeoutMs;
    return [...this.#open.values()].filter(({ since }) => since <= until).map((group) => this.#close(group));
  }

  takeAll(): Group[] {
    return [...this.#open.values()].map((group) => this.#close(group));
  }

  take(path: string): Group[] {
    const group = this.#open.get(path);
    return group === undefined ? [] : [this.#close(group)];
  }

  /** When the next one is due. */
  get dueAt(): number | undefined {
    let first: number | undefined;
    for (const { since } of this.#open.values()) first = Math.min(first ?? since, since);
    return first === undefined ? undefined : first + this.#limits.timeoutMs;
  }

  #put(file: TailedFile, line: Line, bytes: number, mark: TailPosition): void {
    const { path, key = '' } = file;
    const group = this.#open.get(path) ?? this.#begin(path, key, line);
    const isPart = line.notes?.continuation === true;
    // The first line is there already.
    if (group.lines > 0) group.text += isPart ? line.text : `\n${line.text}`;
    Object.assign(group.notes, line.notes);
    group.last = line.text;
    group.lines += 1;
    group.bytes += bytes;
    group.end = line.end;
    group.since = this.#now();
    group.marks.set(file, mark);
    this.#bytes += bytes;
  }

  #begin(path: string, key: string, { text, start }: Line): OpenGroup {
    const nothing = { notes: {}, last: '', lines: 0, bytes: 0, end: start, since: 0 };
    const group: OpenGroup = { path, key, start, text, marks: new Map(), ...nothing };
    this.#open.set(path, group);
    return group;
  }

  #close(group: OpenGroup): Group {
    const { path, key, text, start, end, marks, notes, bytes } = group;
    this.#open.delete(path);
    this.#bytes -= bytes;
    // Parts that were put together again are none.
    const { continued, continuation, ...others } = notes;
    const line = { text, start, end, notes: Object.keys(others).length > 0 ? others : undefined };
    return { path, key, line, marks };
  }
}
