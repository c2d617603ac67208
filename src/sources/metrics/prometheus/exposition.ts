import type { Labels } from '../series.js';
import { readNumber } from '../value.js';

/** What kind of metric it is, as the endpoint says. */
export type MetricKind = string;

/** A trace or the like that a sample points to (OpenMetrics). */
export interface Exemplar {
  readonly labels: Labels;
  readonly value: number;
  /** In milliseconds since 1970. */
  readonly time?: number | undefined;
}

/** A line of an endpoint. */
export interface ScrapedSample {
  readonly metric: string;
  readonly labels: Labels;
  readonly value: number;
  /** In milliseconds since 1970, where the endpoint says one. */
  readonly time: number | undefined;
  readonly family: Family | undefined;
  readonly exemplar: Exemplar | undefined;
}

/** What is said of a metric family. */
export interface Family {
  readonly name: string;
  kind?: MetricKind;
  help?: string;
  unit?: string;
}

export interface Exposition {
  readonly samples: readonly ScrapedSample[];
  /** Lines that could not be read, each with its number. */
  readonly mistakes: readonly string[];
  /** OpenMetrics: it ended with `# EOF`. */
  readonly isWhole: boolean;
}

const SPACE = 32;
const TAB = 9;
const HASH = 35;
const BRACE = 123;
const END_BRACE = 125;
const QUOTE = 34;
const BACKSLASH = 92;
const EQUALS = 61;
const COMMA = 44;
const NEWLINE = 10;
const RETURN = 13;

/** Suffixes that samples of a family have beyond its name. */
const SUFFIX = /_(total|created|bucket|sum|count|gsum|gcount|info)$/;
const NONE: Labels = Object.freeze({});

/**
 * The text of a `/metrics` endpoint, in the format of Prometheus or in OpenMetrics, whichever it is. A line that cannot be
 * read is passed over and told; its neighbours are not.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 * @see https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
 */
export function parseExposition(text: string, isOpenMetrics: boolean): Exposition {
  return new Parser(text, isOpenMetrics).parse();
}

class Parser {
  readonly #text: string;
  /** OpenMetrics counts in seconds, Prometheus in milliseconds. */
  readonly #timeUnit: number;
  readonly #samples: ScrapedSample[] = [];
  readonly #mistakes: string[] = [];
  readonly #families = new Map<string, Family>();
  #at = 0;
  #lineEnd = 0;
  #isWhole = false;
  /** The family of the line before: most often that of the next. */
  #lastMetric = '';
  #lastFamily: Family | undefined;

  constructor(text: string, isOpenMetrics: boolean) {
    this.#text = text;
    this.#timeUnit = isOpenMetrics ? 1_000 : 1;
  }

  parse(): Exposition {
    const text = this.#text;
    for (let number = 1; this.#at < text.length; number += 1) {
      const end = text.indexOf('\n', this.#at);
      this.#lineEnd = end < 0 ? text.length : end;
      // Lines may end in CR LF, though the formats have LF alone.
      if (text.charCodeAt(this.#lineEnd - 1) === RETURN && this.#lineEnd > this.#at) this.#lineEnd -= 1;
      this.#skipSpace();
      const first = this.#at < this.#lineEnd ? text.charCodeAt(this.#at) : NEWLINE;
      if (first === HASH) this.#comment();
      else if (first !== NEWLINE && !this.#sample()) this.#mistakes.push(`line ${number}: ${this.#shown()}`);
      this.#at = (end < 0 ? text.length : end) + 1;
    }
    return { samples: this.#samples, mistakes: this.#mistakes, isWhole: this.#isWhole };
  }

  #shown(): string {
    const start = this.#text.lastIndexOf('\n', this.#lineEnd - 1) + 1;
    return this.#text.slice(start, Math.min(this.#lineEnd, start + 120));
  }

  #skipSpace(): void {
    for (; this.#at < this.#lineEnd; this.#at += 1) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== SPACE && code !== TAB) return;
    }
  }

  /** Up to a space, a tab or a brace. */
  #word(): string {
    const start = this.#at;
    for (; this.#at < this.#lineEnd; this.#at += 1) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === SPACE || code === TAB || code === BRACE) break;
    }
    return this.#text.slice(start, this.#at);
  }

  #comment(): void {
    const line = this.#text.slice(this.#at, this.#lineEnd);
    if (line === '# EOF') this.#isWhole = true;
    const found = /^#[ \t]+(HELP|TYPE|UNIT)[ \t]+(?:"((?:[^"\\]|\\.)*)"|(\S+))(?:[ \t]+(.*))?$/.exec(line);
    if (found === null) return;
    const [, what, quoted, plain = '', value = ''] = found;
    const name = quoted === undefined ? plain : unescaped(quoted);
    const family = this.#families.get(name) ?? { name };
    this.#families.set(name, family);
    if (what === 'TYPE') family.kind = value.trim();
    else if (what === 'UNIT') family.unit = value.trim();
    else family.help = unescaped(value);
  }

  #sample(): boolean {
    let metric = this.#word();
    let labels = NONE;
    this.#skipSpace();
    if (this.#text.charCodeAt(this.#at) === BRACE && this.#at < this.#lineEnd) {
      const read = this.#labels();
      if (read === undefined) return false;
      labels = read.labels;
      // Names beyond ASCII stand quoted within the braces (Prometheus 3).
      if (read.name !== undefined) metric = read.name;
      this.#skipSpace();
    }
    const value = readNumber(this.#word());
    if (metric === '' || value === undefined) return false;
    this.#skipSpace();
    const time = this.#time();
    if (time === null) return false;
    const exemplar = this.#exemplar();
    if (exemplar === null) return false;
    this.#samples.push({ metric, labels, value, time, family: this.#familyOf(metric), exemplar });
    return true;
  }

  /** Undefined where there is none, null for what is no time. */
  #time(): number | undefined | null {
    if (this.#at >= this.#lineEnd || this.#text.charCodeAt(this.#at) === HASH) return undefined;
    const text = this.#word();
    if (text === '') return undefined;
    const time = Number(text);
    this.#skipSpace();
    return Number.isFinite(time) ? Math.round(time * this.#timeUnit) : null;
  }

  /** `# {trace_id="…"} 0.67 1520879607.789` behind a sample. */
  #exemplar(): Exemplar | undefined | null {
    if (this.#at >= this.#lineEnd) return undefined;
    if (this.#text.charCodeAt(this.#at) !== HASH) return this.#word() === '' ? undefined : null;
    this.#at += 1;
    this.#skipSpace();
    if (this.#text.charCodeAt(this.#at) !== BRACE) return null;
    const read = this.#labels();
    if (read === undefined) return null;
    this.#skipSpace();
    const value = readNumber(this.#word());
    this.#skipSpace();
    const time = this.#time();
    return value === undefined || time === null ? null : { labels: read.labels, value, time };
  }

  /** From the brace to behind the one that ends it. */
  #labels(): { labels: Labels; name: string | undefined } | undefined {
    const labels: Record<string, string> = {};
    let name: string | undefined;
    this.#at += 1;
    for (;;) {
      this.#skipSpace();
      if (this.#at >= this.#lineEnd) return undefined;
      if (this.#text.charCodeAt(this.#at) === END_BRACE) {
        this.#at += 1;
        return { labels, name };
      }
      const isQuoted = this.#text.charCodeAt(this.#at) === QUOTE;
      const label = isQuoted ? this.#quoted() : this.#labelName();
      if (label === undefined) return undefined;
      this.#skipSpace();
      if (this.#text.charCodeAt(this.#at) === EQUALS) {
        this.#at += 1;
        this.#skipSpace();
        const value = this.#quoted();
        if (value === undefined) return undefined;
        if (label === '__proto__') Object.defineProperty(labels, label, { value, enumerable: true });
        else labels[label] = value;
      } else if (isQuoted) name = label;
      else return undefined;
      this.#skipSpace();
      if (this.#text.charCodeAt(this.#at) === COMMA) this.#at += 1;
    }
  }

  #labelName(): string | undefined {
    const equals = this.#text.indexOf('=', this.#at);
    if (equals < 0 || equals >= this.#lineEnd) return undefined;
    const label = this.#text.slice(this.#at, equals).trim();
    this.#at = equals;
    return /^[A-Za-z_]\w*$/.test(label) ? label : undefined;
  }

  #quoted(): string | undefined {
    if (this.#text.charCodeAt(this.#at) !== QUOTE) return undefined;
    this.#at += 1;
    const start = this.#at;
    let isEscaped = false;
    for (; this.#at < this.#lineEnd; this.#at += 1) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === BACKSLASH) {
        isEscaped = true;
        this.#at += 1;
      } else if (code === QUOTE) {
        const value = this.#text.slice(start, this.#at);
        this.#at += 1;
        return isEscaped ? unescaped(value) : value;
      }
    }
    return undefined;
  }

  #familyOf(metric: string): Family | undefined {
    if (metric === this.#lastMetric) return this.#lastFamily;
    this.#lastMetric = metric;
    this.#lastFamily = this.#families.get(metric) ?? this.#families.get(metric.replace(SUFFIX, ''));
    return this.#lastFamily;
  }
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, code: string) => (code === 'n' ? '\n' : code));
}
