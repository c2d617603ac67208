import type { Clock } from '../../core/clock.js';
import type { GapEvent, GapReason, SourceEvent } from '../../core/event.js';
import type { Logger } from '../../core/logger.js';
import type { ReadContext, SourceBatch } from '../../core/read-options.js';
import { Spool, type SpoolBatch, type SpoolGap, type SpoolRecord } from '../../toolkit/spool/spool.js';
import type { WebhookConfig } from './config.js';
import type { WebhookCursor } from './cursor.js';
import { type Inbox, keyOf, type Taken, UnderWay } from './inbox.js';
import { type Outcome, Pending } from './pending.js';
import type { WebhookAnswer } from './provider.js';
import { RecentEvents } from './recent-events.js';
import { fromRecord, toRecord } from './spool-record.js';

export interface SpoolInboxOptions {
  readonly config: NonNullable<WebhookConfig['spool']>;
  readonly maxRemembered: number;
  /** Of what was spooled and is not handed out yet, so much is kept in memory as well. */
  readonly maxRecentBytes: number;
  /** Records that are handed out at once. */
  readonly maxEvents: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Completes an event that was read back. */
  restore(event: SourceEvent): SourceEvent;
  gap(reason: GapReason, detail: string, range: { from: unknown; to: unknown; count?: number }): GapEvent;
}

/** The cursor of a place in a spool. */
type Place = (spool: string, sequence: number) => WebhookCursor;

type Batch = SourceBatch<SourceEvent, WebhookCursor>;

/** Deliveries on disk: answered when they are there, handed out in order, deleted when they are acknowledged. */
export class SpoolInbox implements Inbox {
  readonly #options: SpoolInboxOptions;
  readonly #underWay = new UnderWay();
  /** Deliveries whose senders wait for the consumer, by their place in the spool. */
  readonly #unacknowledged = new Map<number, Pending>();
  readonly #recent: RecentEvents;
  #opening: Promise<Spool> | undefined;

  constructor(options: SpoolInboxOptions) {
    this.#options = options;
    this.#recent = new RecentEvents(options.maxRecentBytes);
  }

  /**
   * Opens the spool; after a failure it may be tried again.
   * @throws RetryableError, FatalError (SPOOL_…)
   */
  open(): Promise<Spool> {
    if (this.#opening === undefined) {
      const { config, maxRemembered: maxKeys, clock, logger } = this.#options;
      const { dir, maxBytes, maxSegmentBytes } = config;
      const opening = Spool.open({ directory: dir, maxBytes, maxSegmentBytes, maxKeys, clock, logger });
      this.#opening = opening;
      opening.catch(() => {
        this.#opening = undefined;
      });
    }
    return this.#opening;
  }

  async close(): Promise<void> {
    const spool = await this.#opening?.catch(() => undefined);
    await spool?.close();
  }

  take(taken: Taken): Pending {
    const key = keyOf(taken);
    const same = this.#underWay.find(key);
    if (same !== undefined) return same;
    const pending = new Pending(key);
    if (taken.events.length === 0) pending.settle({ kind: 'acknowledged' });
    else {
      this.#underWay.add(pending, taken.events);
      void this.#append(pending, taken);
    }
    return pending;
  }

  /** It is on disk, or will be: who comes again is a duplicate. */
  giveUp(): void {}

  tellAll(outcome: Outcome): void {
    this.#underWay.tellAll(outcome);
  }

  answer(event: { readonly source: string; readonly id: string }, answer: WebhookAnswer): boolean {
    return this.#underWay.answer(event, answer);
  }

  /** What is in the spool and was not acknowledged, in order, and what comes. */
  async *batches(
    { cursor, signal, maxEvents }: ReadContext<WebhookCursor>,
    place: Place,
  ): AsyncGenerator<Batch, void, undefined> {
    const spool = await this.open();
    const isOther = cursor?.spool !== undefined && cursor.spool !== spool.id;
    if (isOther) yield this.#replaced(spool, place);
    const most = Math.min(maxEvents, this.#options.maxEvents);
    try {
      for await (const batch of spool.batches(isOther ? undefined : cursor?.sequence, { maxEvents: most, signal })) {
        yield this.#toBatch(spool, batch, place);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #append(pending: Pending, { endpoint, events, delivery, bytes }: Taken): Promise<void> {
    try {
      const spool = await this.open();
      const { sequence, isDuplicate } = await spool.append({
        key: pending.key,
        value: toRecord(events, delivery.events),
        keyTtlMs: endpoint.provider.redeliveryMs,
      });
      if (!isDuplicate) this.#recent.add(sequence, events, bytes);
      const isDone = isDuplicate || sequence <= spool.stats.releasedSequence;
      if (delivery.answerWhen === 'acknowledged' && !isDone) return void this.#unacknowledged.set(sequence, pending);
      this.#end(pending, { kind: isDuplicate ? 'duplicate' : 'spooled' });
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code !== 'SPOOL_CLOSED') {
        this.#options.logger.error({ error, endpoint: endpoint.name }, 'a delivery could not be spooled');
      }
      this.#end(pending, {
        kind: 'refused',
        reason: code === 'SPOOL_FULL' ? 'the spool is full' : 'it cannot be spooled',
      });
    }
  }

  #end(pending: Pending, outcome: Outcome): void {
    this.#underWay.remove(pending);
    pending.settle(outcome);
  }

  #toBatch(spool: Spool, { records, gap }: SpoolBatch, place: Place): Batch {
    const cursorAt = (sequence: number): WebhookCursor => place(spool.id, sequence);
    if (gap !== undefined) return { events: [this.#lost(gap)], cursor: cursorAt(gap.to) };
    const each = records.map((record) => this.#eventsOf(record));
    const ends = endsOf(each);
    const first = (records[0] as SpoolRecord).sequence;
    // A record with several events is acknowledged with its last.
    const sequenceAt = (count: number): number => first - 1 + wholeWithin(ends, count);
    const last = records.at(-1) as SpoolRecord;
    return {
      events: each.flat(),
      cursor: cursorAt(last.sequence),
      cursorAt: (count) => cursorAt(sequenceAt(count)),
      settle: (acknowledged) => {
        const sequence = sequenceAt(acknowledged);
        if (sequence >= first) this.#release(spool, sequence);
      },
    };
  }

  #eventsOf({ sequence, value }: SpoolRecord): readonly SourceEvent[] {
    return this.#recent.take(sequence) ?? fromRecord(value).map((event) => this.#options.restore(event));
  }

  #release(spool: Spool, sequence: number): void {
    spool.release(sequence);
    for (const [place, pending] of this.#unacknowledged) {
      if (place > sequence) continue;
      this.#unacknowledged.delete(place);
      this.#end(pending, { kind: 'acknowledged' });
    }
  }

  #lost({ from, to, reason }: SpoolGap): GapEvent {
    const range = { from, to, count: to - from + 1 };
    return reason === 'damaged'
      ? this.#options.gap('file-truncated', `the spool is damaged: deliveries ${from} to ${to} of it are lost`, range)
      : this.#options.gap(
          'cursor-expired',
          `deliveries ${from} to ${to} of the spool were acknowledged after this cursor was saved, and are deleted`,
          range,
        );
  }

  /** Numbers of another spool mean nothing in this one. */
  #replaced(spool: Spool, place: Place): Batch {
    const detail = 'the cursor belongs to another spool than is in the directory; going on with what is in this one';
    const { releasedSequence } = spool.stats;
    const gap = this.#options.gap('cursor-expired', detail, { from: undefined, to: releasedSequence });
    return { events: [gap], cursor: place(spool.id, releasedSequence) };
  }
}

/** How many events there are up to the end of each record. */
function endsOf(records: readonly (readonly SourceEvent[])[]): readonly number[] {
  let end = 0;
  return records.map((events) => {
    end += events.length;
    return end;
  });
}

/** How many records are whole within so many events. */
function wholeWithin(ends: readonly number[], count: number): number {
  let whole = 0;
  while (whole < ends.length && (ends[whole] as number) <= count) whole += 1;
  return whole;
}
