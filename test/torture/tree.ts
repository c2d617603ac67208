import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const CSV_ROWS = 120;
const JSONL_ROWS = 90;
const PLAIN_FILES = 60;
/** Long ago, so that no file is waited for because it may still be written. */
const WRITTEN_AT = new Date('2026-01-02T03:04:05Z');

/** Rows by path; a plain file has none. */
const files = new Map<string, number>([
  ...Array.from({ length: PLAIN_FILES }, (_, index): [string, number] => [`plain/${index % 7}/file-${index}.bin`, 0]),
  ['rows/first.csv', CSV_ROWS],
  ['rows/second.csv', CSV_ROWS],
  ['rows/lines.jsonl', JSONL_ROWS],
]);

/** A folder with plain files, and files of records that take more than one batch. */
export function createTree(directory: string): void {
  for (const [path, rows] of files) {
    const full = join(directory, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, contentOf(path, rows));
    utimesSync(full, WRITTEN_AT, WRITTEN_AT);
  }
}

/** What a first scan of the tree brings, each once: see `keyOfFileEvent`. */
export function treeKeys(): readonly string[] {
  return [...files].flatMap(([path, rows]) => [
    `file.created ${path}`,
    ...Array.from({ length: rows }, (_, index) => `file.record ${path} ${index}`),
  ]);
}

/** Names an event of a file without its version, which is another one in each tree. */
export function keyOfFileEvent(event: { type: string; data: unknown }): string {
  const { path, index } = event.data as { path: string; index?: number };
  return index === undefined ? `${event.type} ${path}` : `${event.type} ${path} ${index}`;
}

function contentOf(path: string, rows: number): string {
  const numbers = Array.from({ length: rows }, (_, index) => index);
  if (path.endsWith('.csv')) return `number,text\r\n${numbers.map((n) => `${n},"line ${n},\n more"\r\n`).join('')}`;
  if (path.endsWith('.jsonl')) return numbers.map((number) => `${JSON.stringify({ number, path })}\n`).join('');
  return `content of ${path}`;
}
