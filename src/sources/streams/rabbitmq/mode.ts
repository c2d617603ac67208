import type { Clock } from '../../../core/clock.js';
import type { GapEvent, GapReason } from '../../../core/event.js';
import type { Logger } from '../../../core/logger.js';
import type { ReadContext, SourceBatch } from '../../../core/read-options.js';
import { type Payload, readPayload } from '../payload.js';
import type { Receipts } from '../receipts.js';
import type { Delivery, RabbitmqClient } from './client.js';
import type { RabbitmqConfig } from './config.js';
import type { RabbitmqCursor } from './cursor.js';
import { aboutDelivery, type RabbitmqEvent, timeOf } from './events.js';

export type RabbitmqBatch = SourceBatch<RabbitmqEvent, RabbitmqCursor>;

/** What a mode reads with, and makes events with. */
export interface ModeContext {
  readonly sourceId: string;
  readonly context: ReadContext<RabbitmqCursor>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly receipts: Receipts;
  open(): Promise<RabbitmqClient>;
  make(fields: object): RabbitmqEvent;
  gap(reason: GapReason, detail: string, range: { from?: unknown; to?: unknown; count?: number }): GapEvent;
  onCaughtUp(): void;
  countDropped(reason: string, count?: number): void;
}

/** How a mode is read: again with each connection. */
export interface ModeReader {
  read(): AsyncGenerator<RabbitmqBatch, void, undefined>;
}

/** Makes the events of messages, in their order. */
export async function toEvents(
  { make, receipts }: ModeContext,
  { queue, format }: RabbitmqConfig,
  messages: readonly Delivery[],
): Promise<RabbitmqEvent[]> {
  const events: RabbitmqEvent[] = new Array(messages.length);
  for (let at = 0; at < messages.length; at += 1) {
    const message = messages[at] as Delivery;
    const read = readPayload(format, message.content, { name: queue, headers: message.properties.headers });
    const { value, reason }: Payload = read instanceof Promise ? await read : read;
    const about = aboutDelivery(queue, message);
    const id = about.offset ?? idOf(message, receipts);
    const time = timeOf(message);
    const base = { id, subject: queue, ...(time !== undefined && { time }) };
    const data =
      reason === undefined ? { ...about, value } : { ...about, reason, base64: message.content.toString('base64') };
    const type = reason === undefined ? 'rabbitmq.message' : 'rabbitmq.message.invalid';
    events[at] = make({ ...base, type, data });
  }
  return events;
}

/** The id that its sender gave it, or one for this receipt. */
function idOf({ properties }: Delivery, receipts: Receipts): string {
  const { messageId } = properties as { messageId?: unknown };
  return typeof messageId === 'string' && messageId !== '' ? messageId : receipts.next();
}
