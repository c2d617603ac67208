import { isUtf8 } from 'node:buffer';
import type { Composer, Document, LineCounter, Node, ParsedNode, Range, YAMLSeq } from 'yaml';
import { DecodeError } from '../../core/errors.js';
import { peerFailure } from '../import-peer.js';
import { byteOrderMarkLength, whyNotText } from './byte-order-mark.js';
import { decodeError, tooDeep, tooLarge } from './decode-error.js';
import type { Decoded, DecodePosition, Decoder, Format } from './decoder.js';
import { MAX_ALIASES, MAX_DEPTH, MAX_DOCUMENT_BYTES } from './limits.js';
import { Pending } from './pending.js';
import { byteOffsets } from './utf8-length.js';
import { findTooDeep } from './yaml-nesting.js';
import { type YamlProblem, type YamlRange, YamlValues } from './yaml-value.js';

/** The parser calls itself at each level: deeper documents would exhaust the stack, whatever the option says. */
const MOST_LEVELS = 200;

export interface YamlOptions {
  /** Bytes of a file, which is read whole. Default 2 MiB. */
  maxBytes?: number | undefined;
  /** How many nodes the aliases of a document may stand for, all together. Default 10,000. */
  maxAliases?: number | undefined;
  /** Default 100, at most 200. */
  maxDepth?: number | undefined;
  /** 'elements' (default): each element of a top-level sequence is a record. 'document': each document is one. */
  records?: 'elements' | 'document' | undefined;
}

type Yaml = typeof import('yaml');

interface Stream {
  readonly text: string;
  readonly lines: LineCounter;
  readonly bytes: (at: number) => number;
  readonly items: Decoded[];
}

/**
 * YAML 1.2, core schema: no tags beyond those of JSON, no merge keys, dates and integers beyond 2^53 are text. A record
 * for each document, or for each element of one that is a sequence. Read by the package `yaml`.
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
  readonly #maxDepth: number;
  readonly #firstIndex: number;
  readonly #file: string | undefined;
  readonly #pending = new Pending();
  #composer: Composer<ParsedNode, true>;
  isDone = false;

  constructor(library: Yaml, options: YamlOptions, position: DecodePosition | undefined, file: string | undefined) {
    this.#yaml = library;
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? MAX_DOCUMENT_BYTES;
    this.#firstIndex = position?.index ?? 0;
    this.#file = file;
    this.#maxDepth = Math.min(options.maxDepth ?? MAX_DEPTH, MOST_LEVELS);
    this.#composer = this.#newComposer();
  }

  push(chunk: Uint8Array): Decoded[] {
    if (this.isDone) return [];
    const bytes = this.#pending.join(chunk);
    if (bytes.length <= this.#maxBytes) {
      this.#pending.keep(bytes);
      return [];
    }
    this.isDone = true;
    return this.#failed(tooLarge({ file: this.#file }, this.#maxBytes, 'maxBytes'), this.#maxBytes);
  }

  finish(): Decoded[] {
    if (this.isDone) return [];
    this.isDone = true;
    const bytes = this.#pending.join(new Uint8Array());
    const why = whyNotText(bytes, { file: this.#file });
    if (why !== undefined) return this.#failed(why, bytes.length);
    if (!isUtf8(bytes))
      return this.#failed(decodeError('INVALID_ENCODING', { file: this.#file }, 'it is not UTF-8'), bytes.length);
    // To the package a byte order mark is a column, by which the first line would be indented.
    const mark = byteOrderMarkLength(bytes);
    return this.#parse(bytes.toString('utf8', mark), mark).filter(({ index }) => index >= this.#firstIndex);
  }

  positionAfter({ index, end, line = 1 }: Decoded): DecodePosition {
    return { offset: end, index: index + 1, line };
  }

  #parse(text: string, mark: number): Decoded[] {
    const lines = new this.#yaml.LineCounter();
    const stream: Stream = { text, lines, bytes: byteOffsets(text, mark), items: [] };
    for (const token of new this.#yaml.Parser(lines.addNewLine).parse(text)) {
      const tooDeepAt = token.type === 'document' ? findTooDeep(token, this.#maxDepth) : undefined;
      if (tooDeepAt === undefined) for (const document of this.#composer.next(token)) this.#take(document, stream);
      else {
        this.#endDocument(stream);
        this.#add(stream, undefined, tooDeep(this.#place(stream, tooDeepAt), this.#maxDepth), [tooDeepAt, tooDeepAt]);
      }
    }
    this.#endDocument(stream);
    return stream.items;
  }

  /** The composer holds each document until the next one begins, for what may still belong to it. */
  #endDocument(stream: Stream): void {
    for (const document of this.#composer.end(false, stream.text.length)) this.#take(document, stream);
    const stray = this.#composer.streamInfo().errors[0];
    if (stray !== undefined) this.#add(stream, undefined, this.#syntax(stream, stray), stray.pos);
    this.#composer = this.#newComposer();
  }

  #newComposer(): Composer<ParsedNode, true> {
    return new this.#yaml.Composer({
      merge: false,
      version: '1.2',
      schema: 'core',
      logLevel: 'silent',
      // `!!set`, `!!binary` and their like have no JSON form.
      resolveKnownTags: false,
      intAsBigInt: true,
      // Compares every key to all others; the conversion finds them by name.
      uniqueKeys: false,
    });
  }

  #take(document: Document.Parsed<ParsedNode, true>, stream: Stream): void {
    const problem = document.errors[0] ?? document.warnings[0];
    if (problem !== undefined) {
      const end = Math.max(problem.pos[0], document.range[2]);
      return this.#add(stream, undefined, this.#syntax(stream, problem), [problem.pos[0], end]);
    }
    const limits = { maxAliases: this.#options.maxAliases ?? MAX_ALIASES, maxDepth: this.#maxDepth };
    const refuse = (why: YamlProblem, range: YamlRange) => this.#refuse(stream, why, range ?? document.range);
    const values = new YamlValues(this.#yaml, { ...limits, refuse });
    const whole = document.contents?.range ?? document.range;
    try {
      const value = values.convert(document.contents);
      if (!Array.isArray(value) || this.#options.records === 'document')
        return this.#add(stream, value, undefined, [whole[0], document.range[2]]);
      const nodes = (document.contents as YAMLSeq<Node>).items;
      for (const [index, element] of value.entries())
        this.#add(stream, element, undefined, nodes[index]?.range ?? whole);
    } catch (error) {
      if (!DecodeError.isInstance(error)) throw error;
      this.#add(stream, undefined, error, [whole[0], document.range[2]]);
    }
  }

  #syntax(stream: Stream, { code, pos }: { code: string; pos: readonly number[] }): DecodeError {
    const place = this.#place(stream, pos[0] ?? 0);
    return code === 'TAG_RESOLVE_FAILED'
      ? decodeError('YAML_TAG', place, 'a tag that is not of JSON; only plain data is read')
      : decodeError('YAML_SYNTAX', place, `it is not YAML (${code})`);
  }

  #refuse(stream: Stream, problem: YamlProblem, [at]: Range): DecodeError {
    const place = this.#place(stream, at);
    const { maxAliases = MAX_ALIASES } = this.#options;
    switch (problem) {
      case 'depth':
        return tooDeep(place, this.#maxDepth);
      case 'duplicate key':
        return decodeError('YAML_SYNTAX', place, 'a key that its mapping has already; keep one of them');
      case 'unknown alias':
        return decodeError('YAML_SYNTAX', place, 'an alias of an anchor that is not complete before it');
      case 'aliases': {
        const what = `its aliases stand for more than ${maxAliases} nodes; raise maxAliases if that is right`;
        return decodeError('YAML_ALIASES', place, what);
      }
    }
  }

  #add({ lines, bytes, items }: Stream, record: unknown, error: Decoded['error'], range: readonly number[]): void {
    const [from, to] = [range[0] ?? 0, range[1] ?? 0];
    const line = error?.at.line ?? lines.linePos(from).line;
    items.push({ record, error, index: items.length, line, offset: bytes(from), end: bytes(to) });
  }

  #place({ lines, bytes }: Stream, at: number) {
    return { file: this.#file, line: lines.linePos(at).line, offset: bytes(at) };
  }

  #failed(error: DecodeError, end: number): Decoded[] {
    return [{ record: undefined, error, index: 0, line: 1, offset: 0, end }];
  }
}
