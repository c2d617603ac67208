import type { Clock } from '../../../core/clock.js';
import type { GapEvent, GapReason } from '../../../core/event.js';
import type { Logger } from '../../../core/logger.js';
import type { ReadContext, SourceBatch } from '../../../core/read-options.js';
import { type Payload, readPayload } from '../payload.js';
import type { Receipts } from '../receipts.js';
import type { Delivery, RabbitmqClient } from './client.js';
import type { RabbitmqConfig } from './config.js';
import type { RabbitmqCursor } from './cursor.js';
import { aboutDelivery, type RabbitmqAbout, type RabbitmqEvent, timeOf } from './events.js';

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
  mode: ModeContext,
  config: RabbitmqConfig,
  messages: readonly Delivery[],
): Promise<RabbitmqEvent[]> {
  const events: RabbitmqEvent[] = [];
  for (const message of messages) {
    const made = toEvent(mode, config, message);
    events.push(made instanceof Promise ? await made : made);
  }
  return events;
}

function toEvent(mode: ModeContext, config: RabbitmqConfig, message: Delivery): RabbitmqEvent | Promise<RabbitmqEvent> {
  const read = readPayload(config.format, message.content, config.queue, message.properties.headers);
  return read instanceof Promise
    ? read.then((payload) => made(mode, config, message, payload))
    : made(mode, config, message, read);
}

function made(
  { make, receipts }: ModeContext,
  { queue }: RabbitmqConfig,
  message: Delivery,
  { value, reason }: Payload,
): RabbitmqEvent {
  const data: RabbitmqAbout & { value?: unknown; reason?: string; base64?: string } = aboutDelivery(queue, message);
  const id = data.offset ?? idOf(message, receipts);
  const isInvalid = reason !== undefined;
  if (isInvalid) {
    data.reason = reason;
    data.base64 = message.content.toString('base64');
  } else data.value = value;
  const type = isInvalid ? 'rabbitmq.message.invalid' : 'rabbitmq.message';
  const time = timeOf(message);
  return make(time === undefined ? { type, id, subject: queue, data } : { type, id, subject: queue, time, data });
}

/** The id that its sender gave it, or one for this receipt. */
function idOf({ properties }: Delivery, receipts: Receipts): string {
  const { messageId } = properties as { messageId?: unknown };
  return typeof messageId === 'string' && messageId !== '' ? messageId : receipts.next();
}
