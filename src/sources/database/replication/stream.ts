import type { ReplicationConfig } from '../config.js';
import type { ReplicationCursor } from '../cursor.js';
import type { DatabaseFields } from '../events.js';
import { configError } from '../failure.js';
import type { ModeContext } from '../mode.js';
import { keyText } from '../rows.js';
import { PendingBatch } from './batches.js';
import type { CapturedTable } from './captured.js';
import type { Confirmations } from './confirmations.js';
import type { Received, ReplicationConnection } from './connection.js';
import { formatLsn, type Lsn, parseLsn } from './lsn.js';
import { KEYS_AT_ONCE, Parts, type TableParts } from './parts.js';
import type { Begin, Change, Message, SentOld, SentRelation, SentValue } from './pgoutput.js';
import { FIRST_OWN_TYPE, SentTable } from './rows.js';
import { domains } from './server.js';
import type { ReplicationBatch } from './snapshot.js';

/** How soon the server is asked again how far it is. */
const PING_MS = 20;

interface Transaction {
  readonly lsn: string;
  readonly time: string;
  readonly number: number;
  /** Delivered before. */
  readonly skip: number;
  /** The initial rows may hold what it did. */
  readonly mayBeSeen: boolean;
  changes: number;
}

/** Changes as events, from a position on. */
export class ChangeStream {
  readonly #mode: ModeContext;
  readonly #pageSize: number;
  readonly #captured: readonly CapturedTable[];
  readonly #parts: Parts | undefined;
  readonly #pending: PendingBatch;
  readonly #from: Lsn;
  readonly #partial: ReplicationCursor['transaction'];
  /** By number; undefined for a table that is none of ours. */
  readonly #sent = new Map<number, SentTable | undefined>();
  #domains: ReadonlyMap<number, number> = new Map();
  #transaction: Transaction | undefined;

  constructor(
    mode: ModeContext,
    config: ReplicationConfig,
    captured: readonly CapturedTable[],
    position: ReplicationCursor,
    confirmations: Confirmations,
  ) {
    const { lsn = '0/0', transaction, snapshot, server, slot } = position;
    this.#mode = mode;
    this.#pageSize = config.pageSize;
    this.#captured = captured;
    this.#from = parseLsn(lsn);
    this.#partial = transaction;
    this.#parts = snapshot === undefined ? undefined : new Parts(snapshot);
    this.#pending = new PendingBatch(
      { server, slot, snapshot, parts: this.#parts, acknowledged: () => acknowledged(mode) },
      this.#from,
      confirmations,
    );
  }

  /** `target`: ends when everything before it was read. */
  async *read(
    connection: ReplicationConnection,
    target: Lsn | undefined,
  ): AsyncGenerator<ReplicationBatch, void, undefined> {
    const { signal } = this.#mode.context;
    while (target === undefined || this.#pending.whole < target) {
      if (connection.isEmpty) this.#mode.onCaughtUp();
      const received = await connection.take(signal);
      let reached: Lsn | undefined;
      for (let at = 0; at < received.length; at += 1) {
        const message = received[at] as Received;
        if (message.kind === 'reached') reached = message.end;
        else await this.#take(message, received, at);
        const batch = this.#pending.length >= this.#pageSize ? this.#pending.cut(this.#transaction?.lsn) : undefined;
        if (batch !== undefined) yield batch;
      }
      const batch = this.#pending.cut(undefined);
      if (batch !== undefined) yield batch;
      if (reached === undefined) continue;
      const idle = this.#transaction === undefined ? this.#pending.reach(reached) : undefined;
      if (idle !== undefined) yield idle;
      if (target === undefined || this.#pending.whole >= target) continue;
      await this.#mode.clock.sleep(PING_MS, signal);
      connection.ping();
    }
  }

  /** Gives a promise only where the database has to be asked. */
  #take(message: Message, received: readonly Received[], at: number): Promise<void> | undefined {
    switch (message.kind) {
      case 'begin':
        this.#transaction = this.#begin(message);
        return undefined;
      case 'commit':
        this.#pending.commit(message.end, this.#transaction?.lsn ?? '');
        this.#transaction = undefined;
        return undefined;
      case 'relation':
        return this.#relation(message);
      default: {
        const unknown = this.#keysToLearn(message, received, at);
        if (unknown === undefined) return void this.#change(message);
        return this.#learn(unknown).then(() => this.#change(message));
      }
    }
  }

  #begin({ lsn, time, transaction: number }: Begin): Transaction {
    const text = formatLsn(lsn);
    const partial = this.#partial?.lsn === text ? this.#partial.changes : 0;
    const skip = lsn < this.#from ? Number.POSITIVE_INFINITY : partial;
    const mayBeSeen = this.#parts !== undefined && lsn < this.#parts.until;
    return { lsn: text, time: toTime(time), number, skip, mayBeSeen, changes: 0 };
  }

  async #relation(sent: SentRelation): Promise<void> {
    const captured = this.#captured.find(
      ({ identity, schema, table }) =>
        identity.number === sent.relation || (schema === sent.schema && table === sent.table),
    );
    if (captured === undefined) {
      this.#sent.set(sent.relation, undefined);
      return;
    }
    if (sent.columns.some(({ type }) => type >= FIRST_OWN_TYPE && !this.#domains.has(type))) {
      const { client, context } = this.#mode;
      this.#domains = await client.read(context.signal, ({ run }) => domains(run));
    }
    this.#sent.set(sent.relation, new SentTable(captured, sent, this.#domains, this.#mode.sourceId));
  }

  #change(change: Change): void {
    const transaction = this.#transaction;
    if (transaction === undefined) throw new RangeError('a change without a transaction');
    transaction.changes += 1;
    if (transaction.changes <= transaction.skip) return;
    if (change.kind === 'truncate') return this.#truncate(change, transaction);
    const sent = this.#sentTable(change.relation);
    if (sent === undefined) return;
    const parts = transaction.mayBeSeen ? this.#parts?.of(sent.captured.name) : undefined;
    const isSeen = parts?.has(transaction.number) ?? false;
    if (isSeen === true) return;
    const left = isSeen === 'some' && parts !== undefined ? unseen(change, sent, parts, transaction.number) : change;
    if (left !== undefined) this.#emit(fieldsOf(left, sent, transaction, this.#mode.sourceId), transaction.changes);
  }

  #truncate(
    { relations, cascade, restartIdentity }: Extract<Change, { kind: 'truncate' }>,
    transaction: Transaction,
  ): void {
    const { lsn, time, changes, number, mayBeSeen } = transaction;
    const tables = relations.flatMap((relation) => this.#sentTable(relation)?.captured.name ?? []);
    const left = tables.filter((table) => !mayBeSeen || (this.#parts?.of(table)?.has(number) ?? false) === false);
    for (const [at, table] of left.entries()) {
      const data = { table, cascade, restartIdentity };
      const fields = {
        type: 'db.table.truncated',
        id: `${lsn}:${changes}:${table}`,
        subject: table,
        time,
        data,
      } as const;
      this.#emit(fields, at === left.length - 1 ? changes : changes - 1);
    }
  }

  #emit(fields: DatabaseFields, place: number): void {
    this.#pending.add(this.#mode.make(fields), place);
  }

  #sentTable(relation: number): SentTable | undefined {
    const sent = this.#sent.get(relation);
    if (sent === undefined && !this.#sent.has(relation))
      throw new RangeError(`a change of a table (${relation}) that was not described`);
    return sent;
  }

  /** Keys of this change and of those after it whose part is not known, where that matters. */
  #keysToLearn(
    change: Change,
    received: readonly Received[],
    from: number,
  ): { sent: SentTable; parts: TableParts; keys: string[][] } | undefined {
    const transaction = this.#transaction;
    if (transaction?.mayBeSeen !== true || change.kind === 'truncate') return undefined;
    const sent = this.#sentTable(change.relation);
    const parts = sent === undefined ? undefined : this.#parts?.of(sent.captured.name);
    if (sent === undefined || parts?.has(transaction.number) !== 'some') return undefined;
    if (keysOf(change, sent).every((key) => parts.knows(key))) return undefined;
    const keys: string[][] = [];
    for (let at = from; at < received.length && keys.length < KEYS_AT_ONCE; at += 1) {
      const next = received[at] as Received;
      if (next.kind === 'relation') break;
      if ('relation' in next && next.relation === change.relation) keys.push(...keysOf(next, sent));
    }
    return { sent, parts, keys };
  }

  #learn({ sent, parts, keys }: { sent: SentTable; parts: TableParts; keys: string[][] }): Promise<void> {
    const { client, context } = this.#mode;
    return client.read(context.signal, ({ run }) => parts.learn(run, sent.captured, keys));
  }
}

function acknowledged(mode: ModeContext): Lsn {
  const cursor = mode.acknowledged();
  return cursor?.mode === 'replication' ? parseLsn(cursor.lsn ?? '0/0') : 0n;
}

type RowChange = Exclude<Change, { kind: 'truncate' }>;

function keysOf(change: RowChange, sent: SentTable): string[][] {
  if (change.kind === 'insert') return [sent.keyTexts(change.row)];
  if (change.kind === 'delete') return [sent.keyTexts(change.old.values)];
  const { old, row } = change;
  return old === undefined ? [sent.keyTexts(row)] : [sent.keyTexts(row, old.values), sent.keyTexts(old.values)];
}

/** What of a change the initial rows do not hold: a row whose key was changed may have gone from one part to another. */
function unseen(change: RowChange, sent: SentTable, parts: TableParts, transaction: number): RowChange | undefined {
  const [now = [], before = now] = keysOf(change, sent);
  const isNowSeen = parts.hasRow(transaction, now);
  const isBeforeSeen = parts.hasRow(transaction, before);
  if (isNowSeen && isBeforeSeen) return undefined;
  if (isNowSeen === isBeforeSeen || change.kind !== 'update' || change.old === undefined) return change;
  const { relation, old, row } = change;
  if (isNowSeen) return { kind: 'delete', relation, old };
  return { kind: 'insert', relation, row: row.map((value, at) => (value === undefined ? old.values[at] : value)) };
}

function fieldsOf(
  change: RowChange,
  sent: SentTable,
  { lsn, time, changes }: Transaction,
  sourceId: string,
): DatabaseFields {
  const { name: table, relation } = sent.captured;
  const id = `${lsn}:${changes}`;
  if (change.kind === 'delete') {
    if (!sent.hasKeyOfOld) throw withoutKey(table, sourceId);
    const { values, isWhole } = change.old;
    const key = sent.key(values);
    const data = { table, key, ...(isWhole && { previous: sent.row(values) }) };
    return { type: 'db.row.deleted', id, subject: keyText(relation.key, key), time, data };
  }
  if (change.kind === 'insert') {
    const row = sent.row(change.row);
    return {
      type: 'db.row.inserted',
      id,
      subject: keyText(relation.key, row),
      time,
      data: { table, key: sent.key(change.row), row },
    };
  }
  const { old, row: values } = change;
  const before = old?.isWhole === true ? old.values : undefined;
  const row = sent.row(values, before);
  const key = sent.key(values, old?.values);
  const unchanged = sent.unchanged(values, before);
  const data = {
    table,
    key,
    row,
    ...(unchanged !== undefined && { unchanged }),
    ...beforeOf(sent, old, values),
  };
  return { type: 'db.row.updated', id, subject: keyText(relation.key, key), time, data };
}

function beforeOf(sent: SentTable, old: SentOld | undefined, values: readonly SentValue[]) {
  if (old === undefined) return {};
  const hasMoved = sent.hasKeyOfOld && !sent.isSameKey(values, old.values);
  return {
    ...(hasMoved && { previousKey: sent.key(old.values) }),
    ...(old.isWhole && { previous: sent.row(old.values) }),
  };
}

function withoutKey(table: string, sourceId: string): Error {
  const message = `a row of ${table} is gone, and the server does not say which: the key is not in its replica identity`;
  return configError(
    sourceId,
    'DATABASE_REPLICA_IDENTITY',
    message,
    'ALTER TABLE … REPLICA IDENTITY DEFAULT, or FULL, and start anew',
  );
}

/** Microseconds since the epoch as RFC 3339. */
function toTime(microseconds: bigint): string {
  const milliseconds = new Date(Number(microseconds / 1_000n)).toISOString();
  return `${milliseconds.slice(0, -1)}${String(microseconds % 1_000n).padStart(3, '0')}Z`;
}
