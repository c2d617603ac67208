import type { GapReason } from '../../../core/event.js';
import type { Line } from '../../../toolkit/lines/line.js';
import type { TailPosition } from '../../../toolkit/tail/tail-position.js';
import type { TailedFile } from '../../../toolkit/tail/tailed-file.js';
import { Tailer } from '../../../toolkit/tail/tailer.js';
import type { TailerOptions, TailStep } from '../../../toolkit/tail/tailer-options.js';
import type { LogCursor } from './cursor.js';
import type { Group, Groups } from './groups.js';

/** What there is to tell, with the cursor after it. */
export type FileStep =
  | {
      readonly kind: 'lines';
      readonly file: string;
      readonly key: string;
      readonly lines: readonly Line[];
      readonly cursor: LogCursor;
      cursorAt(count: number): LogCursor;
    }
  | {
      readonly kind: 'gap';
      readonly reason: GapReason;
      readonly detail: string;
      readonly from: { file: string; offset: number; key?: string };
      readonly cursor: LogCursor;
    }
  | { readonly kind: 'problem'; readonly file: string; readonly code: string; readonly cursor: LogCursor }
  /** Files came or went; there is nothing to tell. */
  | { readonly kind: 'moved'; readonly cursor: LogCursor };

/** The lines of files, each block with the cursor after it. */
export class FileReader {
  readonly #tailer: Tailer;
  readonly #groups: Groups | undefined;
  readonly #follow: boolean;
  #saved: readonly TailPosition[] = [];

  constructor(options: Omit<TailerOptions, 'dueAt'>, groups: Groups | undefined) {
    this.#tailer = new Tailer({ ...options, dueAt: () => groups?.dueAt });
    this.#groups = groups;
    this.#follow = options.follow;
  }

  async *read(): AsyncGenerator<FileStep, void, undefined> {
    for await (const step of this.#tailer.read()) {
      if (step.kind === 'lines') yield* this.#lines(step);
      else if (step.kind === 'gap') yield* this.#gap(step);
      else if (step.kind === 'problem')
        yield { kind: 'problem', file: step.file.path, code: step.code, cursor: this.#cursor };
      else yield* this.#quiet();
    }
  }

  get #cursor(): LogCursor {
    this.#saved = this.#tailer.positions.all;
    return { files: this.#saved, retired: this.#tailer.retired } as LogCursor;
  }

  *#lines({ file, lines, tail }: Extract<TailStep, { kind: 'lines' }>): Generator<FileStep> {
    const { position, path, key = '' } = file;
    const { positions, retired } = this.#tailer;
    const positionAt = ({ end }: Line): TailPosition =>
      end === position.offset ? position : { ...position, offset: end, tail };
    if (this.#groups !== undefined) return yield* this.#told(this.#groups.add(file, lines, positionAt));
    const at = positions.snapshot();
    positions.set(file, position);
    const cursorAt = (count: number): LogCursor => {
      const line = lines[count - 1];
      return { files: at(line === undefined ? [] : [[file, positionAt(line)]]), retired } as LogCursor;
    };
    yield { kind: 'lines', file: path, key, lines, cursor: this.#cursor, cursorAt };
  }

  /** A step for each file: most have one. */
  *#told(groups: readonly Group[]): Generator<FileStep> {
    const { positions, retired } = this.#tailer;
    for (let from = 0, to = 0; from < groups.length; from = to) {
      const { path: file, key } = groups[from] as Group;
      for (to = from; groups[to]?.key === key && groups[to]?.path === file; ) to += 1;
      const some = groups.slice(from, to);
      const at = positions.snapshot();
      const marks = (count: number): [TailedFile, TailPosition][] =>
        some.slice(0, count).flatMap((group) => [...group.marks]);
      for (const [each, mark] of marks(some.length)) if (positions.has(each)) positions.set(each, mark);
      const cursorAt = (count: number): LogCursor => ({ files: at(marks(count)), retired }) as LogCursor;
      yield { kind: 'lines', file, key, lines: some.map(({ line }) => line), cursor: this.#cursor, cursorAt };
    }
  }

  *#gap({ file, reason, detail }: Extract<TailStep, { kind: 'gap' }>): Generator<FileStep> {
    const { path, offset, key } = file;
    if (this.#groups !== undefined) {
      yield* this.#told(this.#groups.take(path));
      this.#tailer.refresh(file);
    }
    const from = { file: path, offset, ...(key !== undefined && { key }) };
    yield { kind: 'gap', reason, detail, from, cursor: this.#cursor };
  }

  *#quiet(): Generator<FileStep> {
    if (this.#groups !== undefined) yield* this.#told(this.#follow ? this.#groups.takeDue() : this.#groups.takeAll());
    if (this.#tailer.positions.all !== this.#saved) yield { kind: 'moved', cursor: this.#cursor };
  }
}
