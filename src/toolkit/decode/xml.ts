import type { SaxesParser, SaxesTagPlain } from 'saxes';
import type { DecodeError } from '../../core/errors.js';
import { peerFailure } from '../import-peer.js';
import { decodeError, tooDeep, tooLarge } from './decode-error.js';
import type { Decoded, DecodePosition, Decoder, Format } from './decoder.js';
import { MAX_DEPTH, MAX_RECORD_BYTES } from './limits.js';
import { type ElementBuilder, elementBuilder } from './xml-element.js';
import { XmlText } from './xml-text.js';

export interface XmlOptions {
  /** Path of the elements that are records, `catalog/book`; `*` is any name. Default: the children of the root, `*` + `/*`. */
  records?: string | undefined;
  /** Bytes of one record, and between two tags. Default 1 MiB. */
  maxRecordBytes?: number | undefined;
  /** Default 100. */
  maxDepth?: number | undefined;
  /** Attributes of an element. Default 1,000. */
  maxAttributes?: number | undefined;
}

type Saxes = typeof import('saxes');

interface Start {
  readonly line: number;
  readonly offset: number;
}

const PART = 65_536;

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
  readonly #text = new XmlText();
  readonly #open: string[] = [];
  #element: ElementBuilder | undefined;
  #items: Decoded[] = [];
  #index = 0;
  /** Where the tag at hand began. */
  #tag: Start = { line: 1, offset: 0 };
  /** Since where something is held: a record, or what stands between two tags. */
  #held: Start = { line: 1, offset: 0 };
  /** Characters given to the parser, whose own position is only right while it calls. */
  #written = 0;
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
    if (!this.isDone) this.#feed(chunk, false);
    return this.#take();
  }

  finish(): Decoded[] {
    if (this.isDone) return [];
    this.#feed(new Uint8Array(), true);
    this.#closedAt = -1;
    if (!this.isDone && !this.#text.isEmpty) this.#parser.close();
    this.isDone = true;
    return this.#take();
  }

  positionAfter({ index, end, line = 1 }: Decoded): DecodePosition {
    return { offset: end, index: index + 1, line };
  }

  #feed(chunk: Uint8Array, isLast: boolean): void {
    const text = this.#text.decode(chunk, isLast);
    const binary = text.indexOf('\0');
    this.#write(binary === -1 ? text : text.slice(0, binary));
    if (this.isDone) return;
    if (binary !== -1)
      this.#fail('BINARY', 'it holds NUL bytes, so it is no text; leave it out (exclude)', this.#written);
    else if (this.#text.isBroken) this.#fail('INVALID_ENCODING', 'it is not UTF-8', this.#written);
  }

  /** In parts, so that little is held beyond the limit whatever the size of the chunks. */
  #write(text: string): void {
    for (let from = 0; from < text.length && !this.isDone; from += PART) {
      const part = text.slice(from, from + PART);
      this.#parser.write(part);
      this.#written += part.length;
      this.#closedAt = -1;
      if (!this.isDone && this.#isTooLarge(this.#text.offsetOf(this.#written))) this.#refuseSize();
    }
  }

  #listen(): void {
    const parser = this.#parser;
    parser.on('doctype', () =>
      this.#fail('XML_DOCTYPE', 'it has a document type declaration, which is refused; remove it'),
    );
    parser.on('xmldecl', ({ encoding }) => {
      if (encoding === undefined || this.#text.reads(encoding)) return;
      this.#fail('INVALID_ENCODING', `it says that it is ${encoding.slice(0, 40)}; save it as UTF-8`);
    });
    parser.on('error', () => this.#fail('XML_SYNTAX', 'it is not well-formed XML; what follows cannot be read'));
    parser.on('opentagstart', ({ name }) => this.#startTag(name));
    parser.on('opentag', (tag) => this.#openTag(tag as SaxesTagPlain));
    parser.on('closetag', () => this.#closeTag());
    parser.on('text', (text) => this.#element?.text(text));
    parser.on('cdata', (text) => this.#element?.text(text));
  }

  #startTag(name: string): void {
    if (this.isDone) return;
    const { line, position, columnIndex } = this.#parser;
    this.#tag = { line: columnIndex === 0 ? line - 1 : line, offset: this.#text.tagOffset(position, name) };
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
    if (this.#element !== undefined) return this.#element.open(name, attributes);
    const { offset } = this.#place();
    if (this.#isTooLarge(offset)) return this.#refuseSize();
    this.#held = this.#isRecord() ? this.#tag : { line: this.#parser.line, offset };
    if (this.#isRecord()) this.#element = elementBuilder(attributes);
  }

  #closeTag(): void {
    if (this.isDone) return;
    const isRecord = this.#element !== undefined && this.#open.length === this.#path.length;
    this.#open.pop();
    if (this.#element !== undefined && !isRecord) return this.#element.close();
    const { line, offset } = this.#place();
    if (this.#isTooLarge(offset)) return this.#refuseSize();
    if (isRecord) this.#add(this.#element?.result(), undefined, this.#held, offset);
    if (isRecord) this.#closedAt = this.#parser.position;
    this.#held = { line, offset };
    this.#element = undefined;
  }

  #isRecord(): boolean {
    if (this.#open.length !== this.#path.length) return false;
    return this.#path.every((segment, index) => segment === '*' || segment === this.#open[index]);
  }

  /** What is wrong in a record that is too large already is not looked at: whether it would be depends on the chunks. */
  #fail(code: string, what: string, position = this.#parser.position): void {
    const place = this.#place(position);
    if (this.#isTooLarge(place.offset)) this.#refuseSize();
    else this.#stop(decodeError(code, place, what));
  }

  #isTooLarge(offset: number): boolean {
    return offset - this.#held.offset > this.#maxBytes;
  }

  /** Told of where it began. */
  #refuseSize(): void {
    this.#stop(tooLarge({ file: this.#file, ...this.#held }, this.#maxBytes, 'maxRecordBytes'));
  }

  /** XML cannot be read on behind a mistake. */
  #stop(error: DecodeError): void {
    if (this.isDone) return;
    this.isDone = true;
    // A close tag of another name closes the element first, and is a mistake then.
    if (this.#closedAt === this.#parser.position) {
      this.#items.pop();
      this.#index -= 1;
    }
    const { line = 1, offset = 0 } = error.at;
    this.#add(undefined, error, { line, offset }, offset);
  }

  #add(record: unknown, error: Decoded['error'], { line, offset }: Start, end: number): void {
    const index = this.#index;
    this.#index += 1;
    this.#closedAt = -1;
    if (index >= this.#firstIndex) this.#items.push({ record, error, index, line, offset, end });
  }

  #take(): Decoded[] {
    const items = this.#items;
    this.#items = [];
    return items;
  }

  #place(position = this.#parser.position) {
    return { file: this.#file, line: this.#parser.line, offset: this.#text.offsetOf(position) };
  }
}
