import { isUtf8 } from 'node:buffer';
import type { Document, LineCounter } from 'yaml';
import { peerFailure } from '../import-peer.js';
import { whyNotText } from './byte-order-mark.js';
import { decodeError, tooDeep, tooLarge } from './decode-error.js';
import type { Decoded, DecodePosition, Decoder, Format } from './decoder.js';
import { isDeeper, MAX_ALIASES, MAX_DEPTH, MAX_DOCUMENT_BYTES } from './limits.js';
import { Pending } from './pending.js';

export interface YamlOptions {
  /** Bytes of a file, which is read whole. Default 2 MiB. */
  maxBytes?: number | undefined;
  /** How many nodes aliases may stand for. Default 100. */
  maxAliases?: number | undefined;
  /** Default 100. */
  maxDepth?: number | undefined;
  /** 'elements' (default): each element of a top-level sequence is a record. 'document': each document is one. */
  records?: 'elements' | 'document' | undefined;
}

type Yaml = typeof import('yaml');

/**
 * YAML 1.2, core schema: no tags of its own, no merge keys, dates are text. A record for each document, or for each
 * element of one that is a sequence. Read by the package `yaml`.
 */
export function yaml(options: YamlOptions = {}): Format {
  return {
    name: 'yaml',
    resumesFrom: 'start',
    async open({ position, file } = {}) {
      return new YamlDecoder(await load(), options, position, file);
    },
  };
}

async function load(): Promise<Yaml> {
  try {
    return await import('yaml');
  } catch (error) {
    throw peerFailure('yaml', error);
  }
}

class YamlDecoder implements Decoder {
  readonly #yaml: Yaml;
  readonly #options: YamlOptions;
  readonly #maxBytes: number;
  readonly #firstIndex: number;
  readonly #file: string | undefined;
  readonly #pending = new Pending();
  isDone = false;

  constructor(library: Yaml, options: YamlOptions, position: DecodePosition | undefined, file: string | undefined) {
    this.#yaml = library;
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? MAX_DOCUMENT_BYTES;
    this.#firstIndex = position?.index ?? 0;
    this.#file = file;
  }

  push(chunk: Uint8Array): Decoded[] {
    if (this.isDone) return [];
    const bytes = this.#pending.join(chunk);
    if (bytes.length <= this.#maxBytes) {
      this.#pending.keep(bytes);
      return [];
    }
    this.isDone = true;
    return this.#failed(tooLarge({ file: this.#file }, this.#maxBytes, 'maxBytes'), bytes.length);
  }

  finish(): Decoded[] {
    if (this.isDone) return [];
    this.isDone = true;
    const bytes = this.#pending.join(new Uint8Array());
    const why = whyNotText(bytes.subarray(0, 4096), { file: this.#file });
    if (why !== undefined) return this.#failed(why, bytes.length);
    if (!isUtf8(bytes))
      return this.#failed(decodeError('INVALID_ENCODING', { file: this.#file }, 'it is not UTF-8'), bytes.length);
    return this.#parse(bytes.toString('utf8')).filter(({ index }) => index >= this.#firstIndex);
  }

  positionAfter({ index, end, line = 1 }: Decoded): DecodePosition {
    return { offset: end, index: index + 1, line };
  }

  #parse(text: string): Decoded[] {
    const lines = new this.#yaml.LineCounter();
    const items: Decoded[] = [];
    try {
      const documents = this.#yaml.parseAllDocuments(text, {
        lineCounter: lines,
        prettyErrors: false,
        merge: false,
        version: '1.2',
        schema: 'core',
        logLevel: 'silent',
      });
      // An empty stream is an empty list with the errors beside it.
      for (const document of Array.isArray(documents) ? documents : []) this.#take(document, text, lines, items);
    } catch {
      // A nesting that is deeper than the stack.
      const error = tooDeep({ file: this.#file, line: 1, offset: 0 }, this.#options.maxDepth ?? MAX_DEPTH);
      add(items, undefined, error, 1, 0, Buffer.byteLength(text));
    }
    return items;
  }

  #take(document: Document.Parsed, text: string, lines: LineCounter, items: Decoded[]): void {
    const [from = 0, , to = text.length] = document.range ?? [];
    const line = lines.linePos(document.contents?.range?.[0] ?? from).line;
    const [offset, end] = [from, to].map((at) => Buffer.byteLength(text.slice(0, at))) as [number, number];
    const problem = document.errors[0] ?? document.warnings[0];
    if (problem !== undefined) {
      const at = lines.linePos(problem.pos[0]).line;
      const place = { file: this.#file, line: at, offset };
      const error =
        problem.code === 'TAG_RESOLVE_FAILED'
          ? decodeError('YAML_TAG', place, 'a tag of its own; only plain data is read')
          : decodeError('YAML_SYNTAX', place, `it is not YAML (${problem.code})`);
      return add(items, undefined, error, at, offset, end);
    }
    this.#convert(document, line, offset, end, items);
  }

  #convert(document: Document.Parsed, line: number, offset: number, end: number, items: Decoded[]): void {
    const { maxAliases = MAX_ALIASES, maxDepth = MAX_DEPTH, records: wanted } = this.#options;
    const place = { file: this.#file, line, offset };
    let value: unknown;
    try {
      value = toJsonSafe(document.toJS({ maxAliasCount: maxAliases }), maxDepth);
    } catch (error) {
      const isDeep = error instanceof RangeError;
      const failure = isDeep
        ? tooDeep(place, maxDepth)
        : decodeError(
            'YAML_ALIASES',
            place,
            `its aliases stand for more than ${maxAliases} nodes; raise maxAliases if that is right`,
          );
      return add(items, undefined, failure, line, offset, end);
    }
    if (isDeeper(value, maxDepth)) return add(items, undefined, tooDeep(place, maxDepth), line, offset, end);
    const values = Array.isArray(value) && wanted !== 'document' ? value : [value];
    for (const record of values) add(items, record, undefined, line, offset, end);
  }

  #failed(error: ReturnType<typeof decodeError>, end: number): Decoded[] {
    const items: Decoded[] = [];
    add(items, undefined, error, 1, 0, end);
    return items;
  }
}

function add(
  items: Decoded[],
  record: unknown,
  error: Decoded['error'],
  line: number,
  offset: number,
  end: number,
): void {
  items.push({ record, error, index: items.length, line, offset, end });
}

/** `.nan` and `.inf` have no JSON form: they are text. */
function toJsonSafe(value: unknown, depth: number): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth < 0) throw new RangeError('too deep');
  if (Array.isArray(value)) return value.map((member) => toJsonSafe(member, depth - 1));
  for (const [key, member] of Object.entries(value)) {
    const safe = toJsonSafe(member, depth - 1);
    if (safe !== member)
      Object.defineProperty(value, key, { value: safe, enumerable: true, writable: true, configurable: true });
  }
  return value;
}
