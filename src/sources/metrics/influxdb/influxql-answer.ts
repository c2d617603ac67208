import { seriesKey } from '../series.js';
import { readInstant } from './instant.js';
import { type PointAnswer, PointCollector, ReportedError, UnexpectedAnswer } from './point.js';

interface Row {
  readonly name?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly values?: readonly (readonly unknown[])[];
}

interface Chunk {
  readonly error?: unknown;
  readonly results?: readonly { readonly error?: unknown; readonly series?: readonly Row[] }[];
}

/**
 * The answer to a query in InfluxQL that was asked for in chunks: JSON documents, one a line. Errors of statements stand
 * inside, with status 200, and may come after chunks that are whole.
 * @see https://docs.influxdata.com/influxdb/v1/tools/api/#query-http-endpoint
 * @throws ReportedError, UnexpectedAnswer
 */
export function readInfluxqlAnswer(text: string): PointAnswer {
  const collector = new PointCollector();
  let chunks = 0;
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    chunks += 1;
    readChunk(chunkOf(line), collector);
  }
  if (chunks === 0) throw new UnexpectedAnswer('nothing');
  return { series: collector.all(), notNumbers: collector.notNumbers };
}

function chunkOf(line: string): Chunk {
  let chunk: unknown;
  try {
    chunk = JSON.parse(line);
  } catch {
    throw new UnexpectedAnswer('what is not JSON, or is cut off');
  }
  if (typeof chunk === 'object' && chunk !== null && ('results' in chunk || 'error' in chunk)) return chunk as Chunk;
  throw new UnexpectedAnswer('JSON that is no result');
}

function readChunk({ error, results = [] }: Chunk, collector: PointCollector): void {
  if (error !== undefined) throw new ReportedError(String(error));
  for (const result of results) {
    if (result.error !== undefined) throw new ReportedError(String(result.error));
    for (const row of result.series ?? []) readRow(row, collector);
  }
}

function readRow({ name = '', tags = {}, columns, values = [] }: Row, collector: PointCollector): void {
  const timeAt = columns.indexOf('time');
  if (timeAt < 0) throw new UnexpectedAnswer('rows without time');
  const fields = columns.flatMap((column, at) => {
    if (at === timeAt) return [];
    const metric = `${name}.${column}`;
    return [{ at, series: collector.at(seriesKey(metric, tags), metric, tags) }];
  });
  for (const cells of values) {
    const time = readInstant(String(cells[timeAt]));
    if (time === undefined) throw new UnexpectedAnswer(`"${String(cells[timeAt]).slice(0, 40)}" for a time`);
    for (const { at, series } of fields) {
      const value = cells[at];
      if (typeof value === 'number') series.points.push({ time, value });
      else if (value !== null && value !== undefined) collector.notNumbers += 1;
    }
  }
}
