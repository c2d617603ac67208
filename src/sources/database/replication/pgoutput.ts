import type { Lsn } from './lsn.js';

/** A value as the database writes it; null; or undefined: it was not changed and is stored out of line (TOAST), so it was not sent. */
export type SentValue = string | null | undefined;

export interface SentColumn {
  readonly name: string;
  /** Number of the type in `pg_type`. */
  readonly type: number;
  /** Of the replica identity. */
  readonly isKey: boolean;
}

/** A table as it was when the changes that follow were made. */
export interface SentRelation {
  readonly kind: 'relation';
  readonly relation: number;
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly SentColumn[];
}

export interface SentOld {
  /** Only the replica identity, or all columns (REPLICA IDENTITY FULL). */
  readonly isWhole: boolean;
  readonly values: readonly SentValue[];
}

export type Change =
  | { readonly kind: 'insert'; readonly relation: number; readonly row: readonly SentValue[] }
  | {
      readonly kind: 'update';
      readonly relation: number;
      readonly old: SentOld | undefined;
      readonly row: readonly SentValue[];
    }
  | { readonly kind: 'delete'; readonly relation: number; readonly old: SentOld }
  | {
      readonly kind: 'truncate';
      readonly relations: readonly number[];
      readonly cascade: boolean;
      readonly restartIdentity: boolean;
    };

export interface Begin {
  readonly kind: 'begin';
  /** Where the commit is in the log. */
  readonly lsn: Lsn;
  /** Of the commit: microseconds since the epoch. */
  readonly time: bigint;
  /** The low 32 bits of the number of the transaction. */
  readonly transaction: number;
}

export interface Commit {
  readonly kind: 'commit';
  readonly lsn: Lsn;
  /** Where the log goes on after it. */
  readonly end: Lsn;
}

export type Message = Begin | Commit | SentRelation | Change;

/** From 2000, where PostgreSQL counts from, back to 1970. */
const EPOCH_MICROSECONDS = 946_684_800_000_000n;

const TAG = { begin: 66, commit: 67, delete: 68, insert: 73, relation: 82, truncate: 84, update: 85 } as const;
const KEY = 75;
const NEW = 78;
const OLD = 79;

/**
 * A message of the output plug-in pgoutput, protocol version 1. Undefined for what says nothing of rows (origin, type,
 * message of an application). What it returns holds no part of the buffer.
 *
 * @see https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
 * @throws RangeError when it is cut short or nothing of the kind
 */
export function decodeMessage(bytes: Buffer, from = 0): Message | undefined {
  const tag = bytes[from];
  const reader = new Reader(bytes, from + 1);
  switch (tag) {
    case TAG.insert: {
      const relation = reader.uint32();
      reader.expect(NEW);
      return { kind: 'insert', relation, row: reader.tuple() };
    }
    case TAG.update:
      return update(reader);
    case TAG.delete: {
      const relation = reader.uint32();
      return { kind: 'delete', relation, old: old(reader, reader.uint8()) };
    }
    case TAG.begin:
      return {
        kind: 'begin',
        lsn: reader.uint64(),
        time: reader.uint64() + EPOCH_MICROSECONDS,
        transaction: reader.uint32(),
      };
    case TAG.commit: {
      reader.uint8();
      return { kind: 'commit', lsn: reader.uint64(), end: reader.uint64() };
    }
    case TAG.relation:
      return relationOf(reader);
    case TAG.truncate:
      return truncate(reader);
    case 77: // an application's message
    case 79: // origin
    case 89: // type
      return undefined;
    default:
      throw new RangeError(`no message of pgoutput begins with ${tag}`);
  }
}

function update(reader: Reader): Message {
  const relation = reader.uint32();
  const what = reader.uint8();
  if (what === NEW) return { kind: 'update', relation, old: undefined, row: reader.tuple() };
  const before = old(reader, what);
  reader.expect(NEW);
  return { kind: 'update', relation, old: before, row: reader.tuple() };
}

function old(reader: Reader, what: number): SentOld {
  if (what !== KEY && what !== OLD) throw new RangeError(`no row of pgoutput begins with ${what}`);
  return { isWhole: what === OLD, values: reader.tuple() };
}

function relationOf(reader: Reader): SentRelation {
  const relation = reader.uint32();
  // The schema of the catalogue is sent as nothing.
  const schema = reader.text() || 'pg_catalog';
  const table = reader.text();
  reader.uint8();
  const columns = Array.from({ length: reader.uint16() }, (): SentColumn => {
    const isKey = (reader.uint8() & 1) === 1;
    const name = reader.text();
    const type = reader.uint32();
    reader.uint32();
    return { name, type, isKey };
  });
  return { kind: 'relation', relation, schema, table, columns };
}

function truncate(reader: Reader): Message {
  const count = reader.uint32();
  const flags = reader.uint8();
  const relations = Array.from({ length: count }, () => reader.uint32());
  return { kind: 'truncate', relations, cascade: (flags & 1) === 1, restartIdentity: (flags & 2) === 2 };
}

class Reader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  uint8(): number {
    const at = this.#at;
    this.#at = at + 1;
    return this.#bytes.readUInt8(at);
  }

  uint16(): number {
    const at = this.#at;
    this.#at = at + 2;
    return this.#bytes.readUInt16BE(at);
  }

  uint32(): number {
    const at = this.#at;
    this.#at = at + 4;
    return this.#bytes.readUInt32BE(at);
  }

  uint64(): bigint {
    const at = this.#at;
    this.#at = at + 8;
    return this.#bytes.readBigUInt64BE(at);
  }

  expect(what: number): void {
    const found = this.uint8();
    if (found !== what) throw new RangeError(`a row of pgoutput begins with ${found} instead of ${what}`);
  }

  /** Ended by a zero byte. */
  text(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw new RangeError('a name of pgoutput does not end');
    const text = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return text;
  }

  tuple(): SentValue[] {
    const count = this.uint16();
    const values: SentValue[] = [];
    for (let column = 0; column < count; column += 1) values.push(this.#value());
    return values;
  }

  #value(): SentValue {
    const kind = this.uint8();
    switch (kind) {
      case 116: {
        const length = this.uint32();
        const at = this.#at;
        const end = at + length;
        if (end > this.#bytes.length) throw new RangeError('a value of pgoutput is cut short');
        this.#at = end;
        return this.#bytes.toString('utf8', at, end);
      }
      case 110:
        return null;
      case 117:
        return undefined;
      default:
        throw new RangeError(`no value of pgoutput begins with ${kind}`);
    }
  }
}
