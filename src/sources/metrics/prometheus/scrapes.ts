import { FatalError } from '../../../core/errors.js';
import { poll } from '../../../toolkit/poll.js';
import type { MetricFields } from '../events.js';
import { type Series, toSeries } from '../series.js';
import { metricValue } from '../value.js';
import type { ScrapeConfig } from './config.js';
import { parseCursor } from './cursor.js';
import { type Exposition, parseExposition, type ScrapedSample } from './exposition.js';
import { KnownSeries } from './known-series.js';
import type { ModeContext, PrometheusBatch } from './mode.js';
import type { PrometheusEvent, ScrapedSampleData } from './prometheus-events.js';

/** Mode `scrape`: what an endpoint says of itself, again and again. */
export async function* readScrapes(
  mode: ModeContext,
  config: ScrapeConfig,
): AsyncGenerator<PrometheusBatch, void, undefined> {
  const { context, clock, client, sourceId } = mode;
  const { signal, follow, state } = context;
  let before = parseCursor(context.cursor, sourceId).until[''] ?? 0;
  const onDropped = (): void => mode.onDropped('series');
  const known = await KnownSeries.load({ state, query: '', maxSeries: config.maxSeries, onDropped });
  const only = config.metrics === undefined ? undefined : new Set(config.metrics);
  const round = async function* (): AsyncGenerator<PrometheusBatch, void, undefined> {
    mode.onReading();
    const { text, isOpenMetrics } = await client.scrape(signal);
    const scrape = read(mode, parseExposition(text, isOpenMetrics), isOpenMetrics);
    // A clock that was set back must not make two scrapes one.
    const time = Math.max(clock.now(), before + 1);
    const samples = only === undefined ? scrape.samples : scrape.samples.filter(({ metric }) => only.has(metric));
    yield { events: toEvents(mode, config, known, samples, { time, before }), cursor: { until: { '': time } } };
    before = time;
  };
  yield* poll(round, { clock, signal, follow, intervalMs: config.pollIntervalMs, onCaughtUp: mode.onCaughtUp });
}

/** @throws FatalError 'PROMETHEUS_ANSWER' for what is cut off, or is nothing of the kind */
function read({ sourceId, logger }: ModeContext, scrape: Exposition, isOpenMetrics: boolean): Exposition {
  const { samples, mistakes, isWhole } = scrape;
  const isCut = isOpenMetrics && !isWhole;
  if (isCut || (samples.length === 0 && mistakes.length > 0)) {
    const what = isCut ? 'is cut off: it does not end with # EOF' : `is no text of metrics (${mistakes[0]})`;
    const message = `what was scraped ${what}. Is the URL that of an endpoint with metrics?`;
    throw new FatalError(message, { code: 'PROMETHEUS_ANSWER', sourceId });
  }
  if (mistakes.length > 0) logger.warn({ mistakes: mistakes.slice(0, 10) }, 'lines of a scrape cannot be read');
  return scrape;
}

function toEvents(
  { make, thresholds }: ModeContext,
  config: ScrapeConfig,
  known: KnownSeries,
  samples: readonly ScrapedSample[],
  { time, before }: { time: number; before: number },
): readonly PrometheusEvent[] {
  const events: PrometheusEvent[] = [];
  const told: MetricFields[] = [];
  const present = new Map<string, Series>();
  const text = new Date(time).toISOString();
  for (const sample of samples) {
    const series = toSeries(sample.metric, sample.labels);
    present.set(series.key, series);
    if (!thresholds.isEmpty) for (const each of thresholds.of(series)) each.sample(time, sample.value, told);
    if (!config.samples) continue;
    events.push(
      make({
        type: 'metric.sample',
        id: `${series.key}@${time}`,
        subject: series.key,
        time: sample.time === undefined ? text : new Date(sample.time).toISOString(),
        data: dataOf(sample),
      }),
    );
  }
  told.push(...known.update(present, { last: before, time }));
  thresholds.missing(time, told);
  for (const fields of told) events.push(make(fields));
  return events;
}

function dataOf({ metric, labels, value, family, exemplar }: ScrapedSample): ScrapedSampleData {
  const data: ScrapedSampleData = { metric, labels, value: metricValue(value) };
  if (family?.kind !== undefined) data.kind = family.kind;
  if (family?.unit !== undefined && family.unit !== '') data.unit = family.unit;
  if (exemplar !== undefined) {
    const at = exemplar.time === undefined ? {} : { time: new Date(exemplar.time).toISOString() };
    data.exemplar = { labels: exemplar.labels, value: metricValue(exemplar.value), ...at };
  }
  return data;
}
