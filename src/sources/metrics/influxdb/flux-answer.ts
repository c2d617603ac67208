import { type Labels, seriesKey } from '../series.js';
import { readNumber } from '../value.js';
import { AnnotatedCsvError, type CsvTable, parseAnnotatedCsv } from './annotated-csv.js';
import { readInstant } from './instant.js';
import { type PointAnswer, PointCollector, ReportedError, UnexpectedAnswer } from './point.js';

const NUMERIC = new Set(['double', 'long', 'unsignedLong']);
/** What says where a row belongs, and is no label. */
const OWN = new Set(['result', 'table', '_start', '_stop', '_time', '_value', '_field', '_measurement']);

/**
 * The answer to a query in Flux. Columns of the group key are labels; `_value` is a sample of `_measurement` and `_field`,
 * every other numeric column, as after `pivot()`, one of its own name.
 * @throws ReportedError, UnexpectedAnswer
 */
export function readFluxAnswer(text: string): PointAnswer {
  const collector = new PointCollector();
  for (const table of tablesOf(text)) readTable(table, collector);
  return { series: collector.all(), notNumbers: collector.notNumbers };
}

function tablesOf(text: string): readonly CsvTable[] {
  try {
    return parseAnnotatedCsv(text);
  } catch (error) {
    if (!(error instanceof AnnotatedCsvError)) throw error;
    throw error.kind === 'reported' ? new ReportedError(error.message) : new UnexpectedAnswer(error.message);
  }
}

/** What of a table is where. */
interface Layout {
  readonly timeAt: number;
  readonly measurementAt: number;
  readonly fieldAt: number;
  readonly labels: readonly Column[];
  readonly values: readonly Column[];
}

interface Column {
  /** undefined: of `_value`, whose name is in `_field`. */
  readonly name: string | undefined;
  readonly at: number;
  readonly isNumeric: boolean;
}

function readTable(table: CsvTable, collector: PointCollector): void {
  const layout = layoutOf(table);
  for (const cells of table.rows) {
    const text = cells[layout.timeAt] ?? '';
    const time = readInstant(text);
    if (time === undefined) throw new UnexpectedAnswer(`"${text.slice(0, 40)}" for a time`);
    const labels: Labels = Object.fromEntries(layout.labels.map(({ name, at }) => [name, cells[at] ?? '']));
    for (const column of layout.values) readCell(cells, { layout, column, time, labels }, collector);
  }
}

function layoutOf({ columns, datatypes, groups }: CsvTable): Layout {
  const timeAt = columns.indexOf('_time');
  if (timeAt < 0) throw new UnexpectedAnswer('a table without the column _time');
  const all = columns.map((name, at) => ({ name, at, isNumeric: NUMERIC.has(datatypes[at] ?? '') }));
  const others = all.filter(({ name }) => !OWN.has(name));
  return {
    timeAt,
    measurementAt: columns.indexOf('_measurement'),
    fieldAt: columns.indexOf('_field'),
    labels: others.filter(({ at }) => groups[at] === true),
    values: [
      ...all.filter(({ name }) => name === '_value').map((column) => ({ ...column, name: undefined })),
      ...others.filter(({ at, isNumeric }) => groups[at] !== true && isNumeric),
    ],
  };
}

function readCell(
  cells: readonly string[],
  { layout, column, time, labels }: { layout: Layout; column: Column; time: bigint; labels: Labels },
  collector: PointCollector,
): void {
  const text = cells[column.at] ?? '';
  if (text === '') return;
  const value = column.isNumeric ? readNumber(text) : undefined;
  if (value === undefined) {
    collector.notNumbers += 1;
    return;
  }
  const parts = [cells[layout.measurementAt], column.name ?? cells[layout.fieldAt]];
  const metric = parts.filter((part) => part !== undefined && part !== '').join('.');
  collector.at(seriesKey(metric, labels), metric, labels).points.push({ time, value });
}
