import { isUtf8 } from 'node:buffer';
import { utf8Length } from './utf8-length.js';

/** The first bytes of a document say in what encoding it is; a declaration is not longer. */
const HEAD_BYTES = 256;
const LATIN1 = /^(iso-8859-1|latin-?1)$/i;
const DECLARED = /^<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]+)["']/;

/** The text of an XML file as it comes in, UTF-8 or Latin-1, and where in its bytes each character stands. */
export class XmlText {
  #isLatin1: boolean | undefined;
  #rest: Buffer = Buffer.alloc(0);
  /** Characters of which some were asked about; the next to be, its place in the file, and that place in bytes. */
  #text = '';
  #next = 0;
  #position = 0;
  #offset = 0;
  isEmpty = true;
  /** There were bytes that are not of the encoding; the text is what came before them. */
  isBroken = false;

  decode(chunk: Uint8Array, isLast: boolean): string {
    const bytes = Buffer.concat([this.#rest, chunk]);
    if (bytes.length > 0) this.isEmpty = false;
    this.#isLatin1 ??= isLatin1(bytes, isLast);
    const length = this.#isLatin1 === undefined ? 0 : this.#readable(bytes, isLast);
    this.#rest = bytes.subarray(length);
    const text = bytes.toString(this.#isLatin1 ? 'latin1' : 'utf8', 0, length);
    this.#text = this.#text.slice(Math.max(0, this.#next - 2)) + text;
    this.#next = Math.min(this.#next, 2);
    return text;
  }

  /** Whether this is what a document in that encoding is read as. */
  reads(encoding: string): boolean {
    return /^(utf-?8|us-ascii)$/i.test(encoding) || (this.#isLatin1 === true && LATIN1.test(encoding));
  }

  /** The byte at which a character begins. Asked for in ascending order. */
  offsetOf(position: number): number {
    const end = this.#next + position - this.#position;
    this.#offset += this.#isLatin1 ? end - this.#next : utf8Length(this.#text, this.#next, end);
    this.#next = end;
    this.#position = position;
    return this.#offset;
  }

  /** The byte of the `<` of a tag, behind whose name and one more character `position` is. */
  tagOffset(position: number, name: string): number {
    const end = this.offsetOf(position);
    const isLineEnd = this.#text[this.#next - 1] === '\n' && this.#text[this.#next - 2] === '\r';
    return end - (isLineEnd ? 2 : 1) - 1 - (this.#isLatin1 ? name.length : utf8Length(name, 0, name.length));
  }

  /** How many of these bytes are whole characters. */
  #readable(bytes: Buffer, isLast: boolean): number {
    if (this.#isLatin1 || isUtf8(bytes)) return bytes.length;
    const start = characterStart(bytes, bytes.length - 1);
    if (!isLast && bytes.length - start < 4 && isUtf8(bytes.subarray(0, start))) return start;
    this.isBroken = true;
    let [least, most] = [0, start];
    while (least < most) {
      const middle = Math.ceil((least + most) / 2);
      if (isUtf8(bytes.subarray(0, characterStart(bytes, middle)))) least = middle;
      else most = middle - 1;
    }
    return characterStart(bytes, least);
  }
}

function isLatin1(bytes: Buffer, isLast: boolean): boolean | undefined {
  if (bytes.length < HEAD_BYTES && !isLast) return undefined;
  const declared = DECLARED.exec(bytes.toString('latin1', 0, HEAD_BYTES))?.[1];
  return declared !== undefined && LATIN1.test(declared);
}

function characterStart(bytes: Buffer, from: number): number {
  let at = from;
  while (at > 0 && ((bytes[at] ?? 0) & 0xc0) === 0x80) at -= 1;
  return at;
}
