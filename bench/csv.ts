import { spawnSync } from 'node:child_process';
import { closeSync, createReadStream, mkdirSync, mkdtempSync, openSync, rmSync, utimesSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse';
import { inferSchema, initParser } from 'udsv';
import { filesystemSource } from './built.js';
import { type Bench, compared, figure, paired } from './measure.js';

const ROWS = 955_000;
const LONG_AGO = new Date('2026-01-02T03:04:05Z');
const MEGABYTE = 1_048_576;

/** A CSV file of 100 MB, 8 columns, one row in ten with quotes, to events. */
export const csv: Bench = {
  name: 'csv',
  async *rows() {
    const work = mkdtempSync(join(tmpdir(), 'headwater-bench-csv-'));
    const directory = join(work, 'files');
    mkdirSync(directory);
    const file = join(directory, 'rows.csv');
    try {
      writeRows(file);
      const ours = () => read(directory);
      const pair = { bench: 'csv', ours, pairs: 5, warmUps: 0 };
      const row = '100 MB to events, beside the async iterator of csv-parse';
      yield await paired({ ...pair, row, goal: 0.33, rival: () => readByCsvParse(file) });
      yield await compared({ ...pair, row: 'beside udsv, which has no byte offsets', rival: () => readByUdsv(file) });
      const [reading, idle] = [peakOf(directory), peakOf(undefined)];
      yield figure(
        'csv',
        'MB of memory at its peak, beyond an idle process',
        reading - idle,
        60,
        (reading - idle) / 60,
        1,
      );
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  },
};

async function read(dir: string): Promise<void> {
  const { FilesystemSource } = await filesystemSource();
  const source = await FilesystemSource.create({ id: 'bench', config: { dir } });
  let rows = 0;
  for await (const event of source.generateEvents()) if (event.type === 'file.record') rows += 1;
  check(rows);
}

async function readByCsvParse(file: string): Promise<void> {
  let rows = 0;
  for await (const _row of createReadStream(file).pipe(parse({ columns: true }))) rows += 1;
  check(rows);
}

async function readByUdsv(file: string): Promise<void> {
  let rows = 0;
  let parser: ReturnType<typeof initParser> | undefined;
  const count = (): void => {
    rows += 1;
  };
  for await (const text of createReadStream(file, { encoding: 'utf8' })) {
    parser ??= initParser(inferSchema(text as string));
    parser.chunk(text as string, parser.stringObjs as never, count);
  }
  parser?.end();
  check(rows);
}

function check(rows: number): void {
  if (rows !== ROWS) throw new Error(`${rows} rows of ${ROWS}`);
}

/** Megabytes that a process of its own held at most: one that reads, or one that only loads what it would need. */
function peakOf(dir: string | undefined): number {
  const module = new URL('../dist/sources/filesystem/index.js', import.meta.url).href;
  const reads = `
    const source = await FilesystemSource.create({ id: 'bench', config: { dir: ${JSON.stringify(dir)} } });
    for await (const event of source.generateEvents());`;
  const program = `
    import { FilesystemSource } from ${JSON.stringify(module)};
    ${dir === undefined ? '' : reads}
    console.log(process.resourceUsage().maxRSS);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  if (stderr !== '') throw new Error(stderr);
  return (Number(stdout) * 1_024) / MEGABYTE;
}

function writeRows(path: string): void {
  const file = openSync(path, 'w');
  let text = 'id,name,email,city,amount,date,note,flag\n';
  for (let row = 0; row < ROWS; row += 1) {
    const note = row % 10 === 0 ? `"a note, with ""quotes"" and ${row}"` : `plain note ${row} of some length`;
    text += `${row},name ${row},user${row}@example.com,City ${row % 97},${(row * 1.37).toFixed(2)},2026-01-0${(row % 9) + 1},${note},${row % 2}\n`;
    if (text.length > MEGABYTE) {
      writeSync(file, text);
      text = '';
    }
  }
  writeSync(file, text);
  closeSync(file);
  utimesSync(path, LONG_AGO, LONG_AGO);
}
