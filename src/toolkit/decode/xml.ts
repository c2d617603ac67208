import type { SaxesParser, SaxesTagPlain } from 'saxes';
import { peerFailure } from '../import-peer.js';
import { decodeError, tooDeep, tooLarge } from './decode-error.js';
import type { Decoded, DecodePosition, Decoder, Format } from './decoder.js';
import { MAX_DEPTH, MAX_RECORD_BYTES } from './limits.js';
import { type ElementBuilder, elementBuilder } from './xml-element.js';

export interface XmlOptions {
  /** Path of the elements that are records, `catalog/book`; `*` is any name. Default: the children of the root, `*` + `/*`. */
  records?: string | undefined;
  /** Characters of one record, and between two of them. Default 1 MiB. */
  maxRecordBytes?: number | undefined;
  /** Default 100. */
  maxDepth?: number | undefined;
  /** Attributes of an element. Default 1,000. */
  maxAttributes?: number | undefined;
}

type Saxes = typeof import('saxes');

/**
 * XML 1.0 as a stream: every element at a path is a record. An element that holds nothing but text is that text; any
 * other is an object with `@name` for an attribute, `#text` for text, and its children by name, in an array where there
 * are several. A document type declaration is refused, and with it every entity of its own. Read by the package `saxes`.
 */
export function xml(options: XmlOptions = {}): Format {
  return {
    name: 'xml',
    resumesFrom: 'start',
    async open({ position, file } = {}) {
      return new XmlDecoder(await load(), options, position, file);
    },
  };
}

async function load(): Promise<Saxes> {
  try {
    return await import('saxes');
  } catch (error) {
    throw peerFailure('saxes', error);
  }
}

class XmlDecoder implements Decoder {
  readonly #parser: SaxesParser<{ position: true }>;
  readonly #path: readonly string[];
  readonly #maxBytes: number;
  readonly #maxDepth: number;
  readonly #maxAttributes: number;
  readonly #firstIndex: number;
  readonly #file: string | undefined;
  readonly #text = new TextDecoder('utf-8', { fatal: true });
  readonly #open: string[] = [];
  #element: ElementBuilder | undefined;
  #items: Decoded[] = [];
  #index = 0;
  #start = { line: 1, offset: 0 };
  /** Characters since the last record began or ended. */
  #since = 0;
  #bytes = 0;
  /** Where the last record was closed. */
  #closedAt = -1;
  isDone = false;

  constructor(library: Saxes, options: XmlOptions, position: DecodePosition | undefined, file: string | undefined) {
    this.#path = (options.records ?? '*/*').split('/').filter((segment) => segment !== '');
    this.#maxBytes = options.maxRecordBytes ?? MAX_RECORD_BYTES;
    this.#maxDepth = options.maxDepth ?? MAX_DEPTH;
    this.#maxAttributes = options.maxAttributes ?? 1_000;
    this.#firstIndex = position?.index ?? 0;
    this.#file = file;
    this.#parser = new library.SaxesParser({ position: true });
    this.#listen();
  }

  push(chunk: Uint8Array): Decoded[] {
    if (this.isDone) return [];
    this.#feed(() => this.#text.decode(chunk, { stream: true }));
    this.#bytes += chunk.byteLength;
    return this.#take();
  }

  finish(): Decoded[] {
    if (this.isDone) return [];
    this.#feed(() => this.#text.decode());
    if (!this.isDone && this.#bytes > 0) this.#parser.close();
    this.isDone = true;
    return this.#take();
  }

  positionAfter({ index, end, line = 1 }: Decoded): DecodePosition {
    return { offset: end, index: index + 1, line };
  }

  #feed(read: () => string): void {
    let text: string;
    try {
      text = read();
    } catch {
      return this.#fail('INVALID_ENCODING', 'it is not UTF-8');
    }
    if (text.includes('\0'))
      return this.#fail('BINARY', 'it holds NUL bytes, so it is no text; leave it out (exclude)');
    this.#since += text.length;
    try {
      this.#parser.write(text);
    } catch (error) {
      if (!this.isDone) throw error;
    }
    if (this.#since <= this.#maxBytes + text.length || this.isDone) return;
    this.#stop(tooLarge(this.#place(), this.#maxBytes, 'maxRecordBytes'));
  }

  #listen(): void {
    const parser = this.#parser;
    parser.on('doctype', () =>
      this.#fail('XML_DOCTYPE', 'it has a document type declaration, which is refused; remove it'),
    );
    parser.on('xmldecl', ({ encoding }) => {
      if (encoding === undefined || /^(utf-?8|us-ascii)$/i.test(encoding)) return;
      this.#fail('INVALID_ENCODING', `it says that it is ${encoding}; save it as UTF-8`);
    });
    parser.on('error', () => this.#fail('XML_SYNTAX', 'it is not well-formed XML; what follows cannot be read'));
    parser.on('opentag', (tag) => this.#openTag(tag as SaxesTagPlain));
    parser.on('closetag', () => this.#closeTag());
    parser.on('text', (text) => this.#element?.text(text));
    parser.on('cdata', (text) => this.#element?.text(text));
  }

  #openTag({ name, attributes }: SaxesTagPlain): void {
    if (this.isDone) return;
    this.#open.push(name);
    if (this.#open.length > this.#maxDepth) return this.#stop(tooDeep(this.#place(), this.#maxDepth));
    if (Object.keys(attributes).length > this.#maxAttributes) {
      return this.#fail(
        'XML_ATTRIBUTES',
        `more than ${this.#maxAttributes} attributes; raise maxAttributes if that is right`,
      );
    }
    if (this.#element === undefined && this.#isRecord()) {
      this.#start = { line: this.#parser.line, offset: this.#parser.position };
      this.#since = 0;
      this.#element = elementBuilder(attributes);
    } else this.#element?.open(name, attributes);
  }

  #closeTag(): void {
    if (this.isDone) return;
    const isRecord = this.#element !== undefined && this.#open.length === this.#path.length;
    this.#open.pop();
    if (!isRecord) return this.#element?.close();
    const record = this.#element?.result();
    this.#element = undefined;
    this.#since = 0;
    this.#add(record, undefined, this.#start);
    this.#closedAt = this.#parser.position;
  }

  #isRecord(): boolean {
    if (this.#open.length !== this.#path.length) return false;
    return this.#path.every((segment, index) => segment === '*' || segment === this.#open[index]);
  }

  #fail(code: string, what: string): void {
    this.#stop(decodeError(code, this.#place(), what));
  }

  /** XML cannot be read on behind a mistake. */
  #stop(error: Decoded['error']): void {
    if (this.isDone) return;
    this.isDone = true;
    // A close tag of another name closes the element first, and is a mistake then.
    if (this.#closedAt === this.#parser.position) {
      this.#items.pop();
      this.#index -= 1;
    }
    this.#add(undefined, error, this.#place());
  }

  #add(record: unknown, error: Decoded['error'], { line, offset }: { line: number; offset: number }): void {
    const index = this.#index;
    this.#index += 1;
    this.#closedAt = -1;
    if (index >= this.#firstIndex) this.#items.push({ record, error, index, line, offset, end: this.#parser.position });
  }

  #take(): Decoded[] {
    const items = this.#items;
    this.#items = [];
    return items;
  }

  /** Characters, which are bytes as long as all of it is ASCII. */
  #place() {
    return { file: this.#file, line: this.#parser.line, offset: this.#parser.position };
  }
}
