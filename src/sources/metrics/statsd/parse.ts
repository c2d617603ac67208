/** What a line says of a metric. */
export interface StatsdMetric {
  readonly line: 'metric';
  readonly name: string;
  readonly kind: StatsdKind;
  /** Of sets, the member; of everything else numbers. Several where the line packs them (DogStatsD 1.1). */
  readonly values: readonly (number | string)[];
  /** A gauge that is changed by the value, and not set to it. */
  readonly isDelta: boolean;
  /** The share of what happened that was sent: 0.1 for one in ten. */
  readonly rate: number;
  readonly tags: StatsdTags;
  /** The tags as the line has them: the same text is the same series, and cheaper to compare. */
  readonly tagText: string;
  /** When it was, in milliseconds since 1970, where the line says it. */
  readonly time: number | undefined;
}

/** Something that happened (DogStatsD). */
export interface StatsdHappening {
  readonly line: 'event';
  readonly title: string;
  readonly text: string;
  readonly tags: StatsdTags;
  /** As the line has them: `hostname`, `priority`, `alertType`, … */
  readonly fields: Readonly<Record<string, string>>;
  readonly time: number | undefined;
}

/** How a service is (DogStatsD). */
export interface StatsdCheck {
  readonly line: 'check';
  readonly name: string;
  readonly status: 'ok' | 'warning' | 'critical' | 'unknown';
  readonly message: string | undefined;
  readonly tags: StatsdTags;
  readonly fields: Readonly<Record<string, string>>;
  readonly time: number | undefined;
}

/** A line that is none. */
export interface StatsdMistake {
  readonly line: 'mistake';
  readonly reason: string;
  readonly text: string;
}

export type StatsdLine = StatsdMetric | StatsdHappening | StatsdCheck | StatsdMistake;
export type StatsdKind = 'counter' | 'gauge' | 'timer' | 'histogram' | 'distribution' | 'set';
/** A tag without a value is ''. */
export type StatsdTags = Readonly<Record<string, string>>;

const KINDS: Readonly<Record<string, StatsdKind>> = {
  c: 'counter',
  g: 'gauge',
  ms: 'timer',
  h: 'histogram',
  d: 'distribution',
  s: 'set',
};
const NO_TAGS: StatsdTags = Object.freeze({});
const LONGEST_SHOWN = 120;

/**
 * A line of StatsD, with what DogStatsD adds to it: tags, events, service checks, several values, times.
 *
 * @see https://github.com/statsd/statsd/blob/master/docs/metric_types.md
 * @see https://docs.datadoghq.com/developers/dogstatsd/datagram_shell/
 */
export function parseLine(text: string): StatsdLine {
  if (text.startsWith('_e{')) return happening(text);
  if (text.startsWith('_sc|')) return check(text);
  return metric(text);
}

function metric(text: string): StatsdLine {
  const bar = text.indexOf('|');
  if (bar < 0) return mistake(text, 'it has no type');
  const colon = text.indexOf(':');
  if (colon <= 0 || colon > bar) return mistake(text, 'it has no name or no value');
  const next = text.indexOf('|', bar + 1);
  const kind = KINDS[next < 0 ? text.slice(bar + 1) : text.slice(bar + 1, next)];
  if (kind === undefined) return mistake(text, 'its type is not known');
  const packed = text.slice(colon + 1, bar);
  const isDelta = kind === 'gauge' && (packed.startsWith('+') || packed.startsWith('-'));
  const values = valuesOf(packed, kind);
  if (values === undefined) return mistake(text, 'its value is no number');
  let rate = 1;
  let tagText = '';
  let time: number | undefined;
  for (let at = next; at >= 0; ) {
    const end = text.indexOf('|', at + 1);
    const part = end < 0 ? text.slice(at + 1) : text.slice(at + 1, end);
    at = end;
    if (part.startsWith('#')) tagText = part.slice(1);
    else if (part.startsWith('@')) {
      rate = Number(part.slice(1));
      if (!(rate > 0 && rate <= 1)) return mistake(text, 'its sample rate is not between 0 and 1');
    } else if (part.startsWith('T')) time = secondsOf(part.slice(1));
    // The container (c:), cardinality and whatever comes later say nothing of the value.
  }
  const tags = tagText === '' ? NO_TAGS : rememberedTags(tagText);
  return { line: 'metric', name: text.slice(0, colon), kind, values, isDelta, rate, tags, tagText, time };
}

/** Sets count members, which may hold colons; of everything else colons part values. */
function valuesOf(packed: string, kind: StatsdKind): (number | string)[] | undefined {
  if (kind === 'set') return [packed];
  if (!packed.includes(':')) {
    const value = decimal(packed);
    return value === undefined ? undefined : [value];
  }
  const values: number[] = [];
  for (const text of packed.split(':')) {
    const value = decimal(text);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

/** `Number` also reads nothing, spaces, `Infinity`, and `0x`, `0b` and `0o`: no decimal begins or ends as they do. */
function decimal(text: string): number | undefined {
  const last = text.charCodeAt(text.length - 1);
  const first = text.charCodeAt(0);
  const second = text.charCodeAt(1) | LOWER_CASE;
  const isDecimal =
    ((last >= DIGIT_0 && last <= DIGIT_9) || last === DOT) &&
    first > SPACE &&
    !(first === DIGIT_0 && (second === LETTER_X || second === LETTER_B || second === LETTER_O));
  if (!isDecimal) return undefined;
  const value = Number(text);
  return Number.isNaN(value) ? undefined : value;
}

const [SPACE, DOT, DIGIT_0, DIGIT_9, LOWER_CASE] = [32, 46, 48, 57, 32];
const [LETTER_B, LETTER_O, LETTER_X] = [98, 111, 120];

const MOST_REMEMBERED = 1_000;
const remembered = new Map<string, StatsdTags>();

/** Metrics come with the same tags again and again. */
function rememberedTags(text: string): StatsdTags {
  const known = remembered.get(text);
  if (known !== undefined) return known;
  if (remembered.size >= MOST_REMEMBERED) remembered.clear();
  const tags = Object.freeze(tagsOf(text));
  remembered.set(text, tags);
  return tags;
}

function tagsOf(text: string): StatsdTags {
  const tags: Record<string, string> = {};
  for (const tag of text.split(',')) {
    if (tag === '') continue;
    const colon = tag.indexOf(':');
    const [name, value] = colon < 0 ? [tag, ''] : [tag.slice(0, colon), tag.slice(colon + 1)];
    if (name === '__proto__') Object.defineProperty(tags, name, { value, enumerable: true });
    else tags[name] = value;
  }
  return tags;
}

/** `_e{5,4}:title|text|…`: lengths are bytes of UTF-8, so that either may hold what it likes. */
function happening(text: string): StatsdLine {
  const found = /^_e\{(\d+),(\d+)\}:/.exec(text);
  if (found === null) return mistake(text, 'its lengths cannot be read');
  const bytes = Buffer.from(text.slice(found[0].length));
  const [titleLength, textLength] = [Number(found[1]), Number(found[2])];
  const end = titleLength + 1 + textLength;
  if (bytes.length < end || bytes[titleLength] !== BAR || (bytes.length > end && bytes[end] !== BAR)) {
    return mistake(text, 'its lengths are not those of title and text');
  }
  const title = bytes.toString('utf8', 0, titleLength);
  const body = bytes.toString('utf8', titleLength + 1, end).replaceAll('\\n', '\n');
  const { tags, fields, time } = partsOf(bytes.toString('utf8', Math.min(end + 1, bytes.length)), EVENT_FIELDS);
  return { line: 'event', title, text: body, tags, fields, time };
}

const BAR = 124;
const EVENT_FIELDS = { h: 'hostname', k: 'aggregationKey', p: 'priority', s: 'sourceType', t: 'alertType' };
const CHECK_FIELDS = { h: 'hostname' };
const STATES = ['ok', 'warning', 'critical', 'unknown'] as const;

function check(text: string): StatsdLine {
  const [, name = '', state = '', ...rest] = text.split('|');
  const status = /^[0-3]$/.test(state) ? STATES[Number(state)] : undefined;
  if (name === '' || status === undefined) return mistake(text, 'it has no name, or no status from 0 to 3');
  // The message is the last, and may hold bars.
  const at = rest.findIndex((part) => part.startsWith('m:'));
  const message =
    at < 0 ? undefined : rest.slice(at).join('|').slice(2).replaceAll('\\n', '\n').replaceAll('m\\:', 'm:');
  const { tags, fields, time } = partsOf((at < 0 ? rest : rest.slice(0, at)).join('|'), CHECK_FIELDS);
  return { line: 'check', name, status, message, tags, fields, time };
}

function partsOf(text: string, names: Readonly<Record<string, string>>) {
  let tags = NO_TAGS;
  let time: number | undefined;
  const fields: Record<string, string> = {};
  for (const part of text.split('|')) {
    if (part.startsWith('#')) tags = tagsOf(part.slice(1));
    else if (part.startsWith('d:')) time = secondsOf(part.slice(2));
    else {
      const name = part[1] === ':' ? names[part[0] as string] : undefined;
      if (name !== undefined) fields[name] = part.slice(2);
    }
  }
  return { tags, fields, time };
}

function secondsOf(text: string): number | undefined {
  return /^\d{1,12}$/.test(text) ? Number(text) * 1_000 : undefined;
}

function mistake(text: string, reason: string): StatsdMistake {
  return { line: 'mistake', reason, text: text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text };
}
