/** One message as it came over a connection. */
export interface Frame {
  /** Without its length or terminator; only good until the next call. */
  readonly bytes: Buffer;
  /** Longer than allowed, or the connection ended within it: these are the first bytes. */
  readonly isCut: boolean;
}

/** What cannot be taken apart any further: nobody can tell where the next message begins. */
export class FrameError extends Error {}

type Mode =
  | { readonly kind: 'between' }
  | { readonly kind: 'counted'; readonly length: number }
  | { readonly kind: 'terminated' }
  | { readonly kind: 'skip-counted'; left: number }
  | { readonly kind: 'skip-terminated' };

const LF = 0x0a;
const NUL = 0x00;
const SPACE = 0x20;
const DIGIT_ZERO = 0x30;
const DIGIT_NINE = 0x39;
const MOST_DIGITS = 9;

/**
 * Takes a connection apart into messages, each framed in its own way as RFC 6587 has it: one that begins with a digit
 * is counted (`5 hello`), any other ends at LF or NUL. Holds one message and one chunk at most.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6587#section-3.4
 */
export class FrameDecoder {
  readonly #maxBytes: number;
  #buffer: Buffer = Buffer.alloc(0);
  #from = 0;
  #to = 0;
  /** Up to here there is no terminator. */
  #searched = 0;
  #mode: Mode = { kind: 'between' };

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  write(chunk: Buffer): void {
    this.#makeRoom(chunk.length);
    chunk.copy(this.#buffer, this.#to);
    this.#to += chunk.length;
  }

  /**
   * The next message that is whole or too long; undefined: more must be written first.
   * @throws FrameError where a length is none.
   */
  next(): Frame | undefined {
    for (;;) {
      const mode = this.#mode;
      if (mode.kind === 'between') {
        if (!this.#begin()) return undefined;
      } else if (mode.kind === 'counted') return this.#counted(mode.length);
      else if (mode.kind === 'terminated') return this.#terminated();
      else if (!(mode.kind === 'skip-counted' ? this.#skipCounted(mode) : this.#skipTerminated())) return undefined;
    }
  }

  /**
   * What is left when the connection has ended.
   * @throws FrameError where it ended within a length.
   */
  end(): Frame | undefined {
    const { kind } = this.#mode;
    if (kind === 'skip-counted' || kind === 'skip-terminated' || this.#from === this.#to) return undefined;
    if (kind === 'between') throw new FrameError('the connection ended within the length of a message');
    return { bytes: this.#take(this.#to - this.#from), isCut: kind === 'counted' };
  }

  /** Finds out how the next message is framed; false while that cannot be told. */
  #begin(): boolean {
    while (this.#from < this.#to && isFiller(this.#buffer[this.#from])) this.#from += 1;
    const first = this.#buffer[this.#from];
    if (first === undefined || this.#from === this.#to) return false;
    if (!isDigit(first)) {
      this.#mode = { kind: 'terminated' };
      this.#searched = this.#from;
      return true;
    }
    return this.#beginCounted();
  }

  #beginCounted(): boolean {
    let at = this.#from;
    while (at < this.#to && isDigit(this.#buffer[at])) at += 1;
    const digits = at - this.#from;
    if (digits > MOST_DIGITS || this.#buffer[this.#from] === DIGIT_ZERO) throw badLength();
    if (at === this.#to) return false;
    if (this.#buffer[at] !== SPACE) throw badLength();
    const length = Number(this.#buffer.toString('latin1', this.#from, at));
    this.#from = at + 1;
    this.#mode = { kind: 'counted', length };
    return true;
  }

  #counted(length: number): Frame | undefined {
    const wanted = Math.min(length, this.#maxBytes);
    if (this.#to - this.#from < wanted) return undefined;
    this.#mode = length > wanted ? { kind: 'skip-counted', left: length - wanted } : { kind: 'between' };
    return { bytes: this.#take(wanted), isCut: length > wanted };
  }

  #terminated(): Frame | undefined {
    const end = this.#findTerminator();
    const length = (end ?? this.#to) - this.#from;
    if (length > this.#maxBytes) {
      this.#mode = { kind: 'skip-terminated' };
      return { bytes: this.#take(this.#maxBytes), isCut: true };
    }
    if (end === undefined) return undefined;
    this.#mode = { kind: 'between' };
    const bytes = this.#take(length);
    this.#from += 1;
    return { bytes, isCut: false };
  }

  #skipCounted(mode: { left: number }): boolean {
    const skipped = Math.min(mode.left, this.#to - this.#from);
    this.#from += skipped;
    mode.left -= skipped;
    if (mode.left > 0) return false;
    this.#mode = { kind: 'between' };
    return true;
  }

  #skipTerminated(): boolean {
    this.#searched = Math.max(this.#searched, this.#from);
    const end = this.#findTerminator();
    this.#from = end === undefined ? this.#to : end + 1;
    if (end === undefined) return false;
    this.#mode = { kind: 'between' };
    return true;
  }

  #findTerminator(): number | undefined {
    for (let at = this.#searched; at < this.#to; at += 1) {
      const byte = this.#buffer[at];
      if (byte !== LF && byte !== NUL) continue;
      this.#searched = at;
      return at;
    }
    this.#searched = this.#to;
    return undefined;
  }

  #take(length: number): Buffer {
    const bytes = this.#buffer.subarray(this.#from, this.#from + length);
    this.#from += length;
    return bytes;
  }

  /** Room for a chunk behind what is there. A buffer twice as large each time makes many small chunks cheap. */
  #makeRoom(bytes: number): void {
    if (this.#to + bytes <= this.#buffer.length) return;
    const held = this.#to - this.#from;
    const target = held + bytes > this.#buffer.length / 2 ? Buffer.allocUnsafeSlow((held + bytes) * 2) : this.#buffer;
    this.#buffer.copy(target, 0, this.#from, this.#to);
    this.#buffer = target;
    this.#searched = Math.max(0, this.#searched - this.#from);
    this.#from = 0;
    this.#to = held;
  }
}

function badLength(): FrameError {
  return new FrameError('a message begins with a digit and not with its length and a space');
}

function isFiller(byte: number | undefined): boolean {
  return byte === LF || byte === NUL;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= DIGIT_ZERO && byte <= DIGIT_NINE;
}
