import { seriesKey } from '../series.js';
import { readInstant } from './instant.js';
import { type PointAnswer, PointCollector, UnexpectedAnswer } from './point.js';

/**
 * The answer to a query in SQL, asked for as JSON: an array of objects. Columns of text are labels, columns of numbers
 * metrics. @see https://docs.influxdata.com/influxdb3/core/reference/api/
 * @throws UnexpectedAnswer
 */
export function readSqlAnswer(rows: unknown): PointAnswer {
  if (!Array.isArray(rows)) throw new UnexpectedAnswer('JSON that is no array of rows');
  const collector = new PointCollector();
  for (const row of rows) readRow(row, collector);
  return { series: collector.all(), notNumbers: collector.notNumbers };
}

function readRow(row: unknown, collector: PointCollector): void {
  if (typeof row !== 'object' || row === null) throw new UnexpectedAnswer('a row that is no object');
  const { time: timeText, ...cells } = row as Record<string, unknown>;
  const time = readInstant(String(timeText));
  if (time === undefined) throw new UnexpectedAnswer(`"${String(timeText).slice(0, 40)}" for a time`);
  const entries = Object.entries(cells);
  const labels = Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  for (const [metric, value] of entries) {
    if (typeof value === 'number') collector.at(seriesKey(metric, labels), metric, labels).points.push({ time, value });
    else if (value !== null && typeof value !== 'string') collector.notNumbers += 1;
  }
}
