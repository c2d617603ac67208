export interface Link {
  /** As it is written: it may be relative. */
  readonly target: string;
  /** Relation types in lower case. */
  readonly rel: readonly string[];
}

/** Headers are small; what is longer is not read further. */
const MOST_CHARACTERS = 65_536;

const SPACE = /\s*/y;
const SEPARATORS = /[\s,]*/y;
const TARGET = /<([^<>]*)>/y;
const NEXT_PARAMETER = /\s*;\s*/y;
const NAME = /[^\s=;,"<>]+/y;
const EQUALS = /\s*=\s*/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;
const TOKEN = /[^\s;,"]*/y;

/**
 * The links of a `Link` header (RFC 8288 section 3). What is malformed is passed over up to the next link, and never
 * throws: commas and semicolons may stand within targets and quotes, parameters in any order and case.
 */
export function parseLinkHeader(header: string | null | undefined): Link[] {
  const scanner = new Scanner((header ?? '').slice(0, MOST_CHARACTERS));
  const links: Link[] = [];
  while (!scanner.isAtEnd) {
    scanner.take(SEPARATORS);
    const target = scanner.take(TARGET)?.[1];
    if (target === undefined) {
      scanner.skipToLink();
      continue;
    }
    const parameters = parametersOf(scanner);
    // With an anchor it is a link of something else than the page.
    if (!parameters.has('anchor')) links.push({ target, rel: relationsOf(parameters.get('rel')) });
  }
  return links;
}

/** The target of the first link with this relation. */
export function linkTarget(header: string | null | undefined, relation: string): string | undefined {
  return parseLinkHeader(header).find(({ rel }) => rel.includes(relation))?.target;
}

function relationsOf(rel: string | undefined): string[] {
  return (rel ?? '').toLowerCase().split(/\s+/).filter(Boolean);
}

/** Of a parameter that occurs twice the first one counts. */
function parametersOf(scanner: Scanner): Map<string, string> {
  const parameters = new Map<string, string>();
  while (scanner.take(NEXT_PARAMETER) !== undefined) {
    const name = scanner.take(NAME)?.[0].toLowerCase();
    const value = scanner.take(EQUALS) === undefined ? '' : valueAt(scanner);
    if (name !== undefined && !parameters.has(name)) parameters.set(name, value);
  }
  scanner.take(SPACE);
  return parameters;
}

function valueAt(scanner: Scanner): string {
  const quoted = scanner.take(QUOTED)?.[1];
  return quoted === undefined ? (scanner.take(TOKEN)?.[0] ?? '') : quoted.replace(/\\(.)/gs, '$1');
}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text) ?? undefined;
    if (found !== undefined) this.#at = pattern.lastIndex;
    return found;
  }

  skipToLink(): void {
    const next = this.#text.indexOf('<', this.#at + 1);
    this.#at = next < 0 ? this.#text.length : next;
  }
}
