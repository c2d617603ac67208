import { CursorError, FatalError, RetryableError } from '../../../core/errors.js';
import type { GapReason } from '../../../core/event.js';
import { delayBefore } from '../../../toolkit/retry.js';
import type { ReplicationConfig } from '../config.js';
import { parseCursor, type ReplicationCursor } from '../cursor.js';
import { postgres } from '../engine/postgres.js';
import type { DatabaseBatches, ModeContext } from '../mode.js';
import { type CapturedTable, captureTables } from './captured.js';
import { Confirmations } from './confirmations.js';
import { ReplicationConnection } from './connection.js';
import { isSlotInUse, slotInUse, toReplicationFailure } from './failure.js';
import { formatLsn, type Lsn, later, parseLsn } from './lsn.js';
import { assertReplicates, createPublication, createSlot, otherEngine, withoutUrl } from './provision.js';
import { type ServerFacts, type SlotFacts, serverFacts, slotFacts } from './server.js';
import { InitialRows, type ReplicationBatch } from './snapshot.js';
import { ChangeStream } from './stream.js';

/** What a source keeps from one iteration to the next. */
export interface ReplicationMemory {
  confirmations?: Confirmations;
  /** Bytes of the log that the server keeps for the slot, when last looked. */
  walRetainedBytes?: number;
}

/** About five minutes in which a server may be restarted. */
const RETRIES = { retries: 14, minDelayMs: 200, maxDelayMs: 30_000, factor: 2 };
/** About a minute, after which the server has noticed (wal_sender_timeout) that a reader before us is gone. */
const IN_USE_RETRIES = 8;
const LONGEST_STATUS_MS = 10_000;
const SHORTEST_STATUS_MS = 50;
/** Of the server's patience: twice as often as it asks. */
const STATUS_PART = 4;
const LOOK_MS = 10_000;

/** Mode `replication`: the rows that are there, then every change after them, as the log of PostgreSQL has it. */
export async function* readReplication(
  mode: ModeContext,
  config: ReplicationConfig,
  memory: ReplicationMemory,
): DatabaseBatches {
  memory.confirmations ??= new Confirmations(mode.clock, config.confirmDelayMs);
  const reader = new ReplicationReader(mode, config, memory, memory.confirmations);
  mode.context.defer(() => reader.close());
  yield* reader.batches();
}

class ReplicationReader {
  readonly #mode: ModeContext;
  readonly #config: ReplicationConfig;
  readonly #memory: ReplicationMemory;
  #confirmations: Confirmations;
  #connection: ReplicationConnection | undefined;
  #position: ReplicationCursor | undefined;
  #attempt = 0;
  #lookedAt = 0;

  constructor(mode: ModeContext, config: ReplicationConfig, memory: ReplicationMemory, confirmations: Confirmations) {
    this.#mode = mode;
    this.#config = config;
    this.#memory = memory;
    this.#confirmations = confirmations;
    this.#position = parseCursor(mode.context.cursor, 'replication', mode.sourceId);
  }

  async *batches(): DatabaseBatches {
    const { context, clock, sourceId } = this.#mode;
    const slot = this.#config.slot;
    if (this.#position?.lsn !== undefined) this.#confirmations.begin(parseLsn(this.#position.lsn));
    for (;;) {
      try {
        return yield* this.#read();
      } catch (error) {
        context.signal.throwIfAborted();
        const failure = toReplicationFailure(error, sourceId, slot);
        this.#attempt += 1;
        const isEnough = this.#attempt > (isSlotInUse(failure) ? IN_USE_RETRIES : RETRIES.retries);
        if (!RetryableError.isInstance(failure) || isEnough) throw failure;
        this.#mode.logger.warn({ error: failure, sourceId }, 'the stream of changes is begun anew');
        this.#mode.onRetry();
        await this.#disconnect();
        await clock.sleep(delayBefore(this.#attempt, failure, RETRIES), context.signal);
      }
    }
  }

  /** Lets go of the slot, with what is confirmed by now. */
  async close(): Promise<void> {
    await this.#disconnect();
  }

  async *#read(): AsyncGenerator<ReplicationBatch, void, undefined> {
    const { client, context, sourceId } = this.#mode;
    if (client.engine.name !== 'postgres') throw otherEngine(sourceId);
    if (client.address === undefined) throw withoutUrl(sourceId);
    const facts = await client.read(context.signal, ({ run }) => serverFacts(run, this.#config));
    const gap = this.#gap(facts);
    if (gap !== undefined) yield this.#afresh(gap);
    assertReplicates(facts, this.#config, sourceId);
    assertUsable(facts.slot, this.#config, sourceId);
    const tables = await client.read(context.signal, ({ run }) =>
      captureTables(postgres, run, this.#config, facts, sourceId),
    );
    if (facts.slot?.isActive === true) throw slotInUse(this.#config.slot, sourceId);
    this.#memory.walRetainedBytes = facts.slot?.retained ?? 0;
    yield* this.#remember(this.#initial(facts));
    if (this.#position?.lsn === undefined) return;
    yield* this.#remember(this.#changes(facts, tables));
  }

  /** Positions of what was read before have nothing to do with those to come; nor have acknowledgements that come late. */
  #afresh(gap: ReplicationBatch): ReplicationBatch {
    this.#position = gap.cursor;
    this.#confirmations = new Confirmations(this.#mode.clock, this.#config.confirmDelayMs);
    this.#confirmations.begin(0n);
    this.#memory.confirmations = this.#confirmations;
    return gap;
  }

  /** Where a batch ends, reading goes on; what was handed out is not read again, acknowledged or not. */
  async *#remember(
    batches: AsyncGenerator<ReplicationBatch, void, undefined>,
  ): AsyncGenerator<ReplicationBatch, void, undefined> {
    for await (const batch of batches) {
      this.#position = batch.cursor ?? this.#position;
      this.#attempt = 0;
      yield batch;
      this.#look();
    }
  }

  async *#initial(facts: ServerFacts): AsyncGenerator<ReplicationBatch, void, undefined> {
    if (this.#isLoaded) return;
    const { server } = facts;
    let lsn = this.#position?.lsn ?? confirmedOf(facts.slot);
    let exported: string | undefined;
    const connection = facts.slot === undefined || facts.publication === undefined ? await this.#connect() : undefined;
    if (connection !== undefined && facts.publication === undefined) {
      await createPublication(connection, this.#config, this.#mode.sourceId);
    }
    if (connection !== undefined && facts.slot === undefined) {
      ({ lsn, exported } = await createSlot(connection, this.#config, this.#mode.sourceId));
    }
    const slot = this.#config.slot;
    const start: ReplicationCursor = { mode: 'replication', server, slot, ...this.#position, lsn };
    if (this.#config.snapshot === 'initial') {
      const rows = new InitialRows(this.#mode, this.#config, facts);
      try {
        const session = await rows.open(exported);
        await this.#disconnect();
        yield* rows.read(session, start);
      } finally {
        await rows.close();
      }
    } else {
      this.#position = start;
      await this.#disconnect();
      yield { events: [], cursor: start };
    }
  }

  get #isLoaded(): boolean {
    if (this.#position?.lsn === undefined) return false;
    return this.#position.snapshot?.tables.every(({ isDone }) => isDone) ?? true;
  }

  async *#changes(
    facts: ServerFacts,
    tables: readonly CapturedTable[],
  ): AsyncGenerator<ReplicationBatch, void, undefined> {
    const { context } = this.#mode;
    const position = this.#position as ReplicationCursor;
    const from = parseLsn(position.lsn ?? '0/0');
    const floor = facts.slot?.confirmed ?? from;
    const connection = await this.#connect();
    await connection.start({
      slot: this.#config.slot,
      publication: this.#config.publication,
      from,
      statusMs: statusMs(facts),
      // Never less than what the server has: it would go back.
      confirmed: () => later(floor, this.#confirmations.confirmed),
    });
    this.#mode.onReading();
    const target = context.follow ? undefined : await this.#end(facts);
    const stream = new ChangeStream(this.#mode, this.#config, tables, position, this.#confirmations);
    yield* stream.read(connection, target);
  }

  /** What was committed before now is read. */
  async #end(facts: ServerFacts): Promise<Lsn> {
    const { client, context } = this.#mode;
    const now = await client.read(context.signal, ({ run }) => serverFacts(run, this.#config));
    return later(now.flushed, facts.flushed);
  }

  /** Whether history is gone: the batch that says so, after which everything is read again. */
  #gap({ server, slot: found }: ServerFacts): ReplicationBatch | undefined {
    const position = this.#position;
    const { slot } = this.#config;
    if (position?.lsn === undefined) return undefined;
    if (position.slot !== slot) {
      const message = `the cursor of source "${this.#mode.sourceId}" is one of slot ${position.slot}, not of ${slot}: restore an earlier one, or start without a cursor`;
      throw new CursorError(message, { sourceId: this.#mode.sourceId });
    }
    const lsn = parseLsn(position.lsn);
    if (position.server !== server) {
      return this.#lost(
        'history-rewritten',
        'the server is another one than it was, where positions mean something else',
        server,
      );
    }
    if (found === undefined)
      return this.#lost('retention', `the slot ${slot} is gone, and with it what was kept for it`, server);
    if (found.status === 'lost') {
      return this.#lost(
        'retention',
        `the server threw away the log that the slot ${slot} needs (max_slot_wal_keep_size, or it was idle too long)`,
        server,
      );
    }
    if (found.confirmed !== undefined && found.confirmed > lsn) {
      const to = formatLsn(found.confirmed);
      return this.#lost(
        'cursor-expired',
        `the cursor is older than what was confirmed to the slot ${slot} (${to}): somebody else read it, or the cursor is an earlier one`,
        server,
        to,
      );
    }
    return undefined;
  }

  #lost(reason: GapReason, detail: string, server: string, to?: string): ReplicationBatch {
    const { slot } = this.#config;
    const from = this.#position?.lsn;
    return { events: [this.#mode.gap(reason, detail, { from, to })], cursor: { mode: 'replication', server, slot } };
  }

  async #connect(): Promise<ReplicationConnection> {
    const { client } = this.#mode;
    if (this.#connection !== undefined) return this.#connection;
    if (client.address === undefined) throw new Error('without an address');
    const connection = await ReplicationConnection.open(client.address);
    this.#connection = connection;
    return connection;
  }

  async #disconnect(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.close();
  }

  /** Now and then, how much is kept for us. */
  #look(): void {
    const { client, context, clock } = this.#mode;
    if (clock.now() < this.#lookedAt + LOOK_MS) return;
    this.#lookedAt = clock.now();
    client
      .read(context.signal, ({ run }) => slotFacts(run, this.#config.slot))
      .then(
        (slot) => {
          if (slot !== undefined) this.#memory.walRetainedBytes = slot.retained;
        },
        // Only a figure: whoever reads the stream finds out what is wrong.
        () => {},
      );
  }
}

function statusMs({ patienceMs }: ServerFacts): number {
  if (patienceMs === 0) return LONGEST_STATUS_MS;
  return Math.max(SHORTEST_STATUS_MS, Math.min(LONGEST_STATUS_MS, Math.floor(patienceMs / STATUS_PART)));
}

function confirmedOf(slot: SlotFacts | undefined): string | undefined {
  return slot?.confirmed === undefined ? undefined : formatLsn(slot.confirmed);
}

/** A lost slot is dropped by whoever decides so. @throws FatalError */
function assertUsable(found: SlotFacts | undefined, { slot }: ReplicationConfig, sourceId: string): void {
  if (found?.status !== 'lost') return;
  const message = `the slot ${slot} has lost its log and cannot be read any more: drop it with dropReplicationSlot(), then everything is read again`;
  throw new FatalError(message, { code: 'DATABASE_SLOT_LOST', sourceId });
}
