import type { Listener as ToolkitListener } from '../../../toolkit/listening.js';
import type { SyslogSender } from './events.js';

/** Where a listener listens. */
export type SyslogAddress =
  | { readonly transport: 'udp' | 'tcp' | 'tls'; readonly host: string; readonly port: number }
  | { readonly transport: 'unix'; readonly path: string };

/** What listeners tell of what comes in. */
export interface Receiver {
  /** A message that cannot be held back: dropped where there is no room for it. The bytes may change afterwards. */
  receive(bytes: Buffer, sender: SyslogSender, isCut: boolean): void;
  /** The same of a sender that can be held back: resolves when there is room for the next. */
  receiveHeldBack(bytes: Buffer, sender: SyslogSender, isCut: boolean): Promise<void>;
  /** A connection cannot be understood, and is closed. */
  fail(code: string, message: string, sender: SyslogSender): Promise<void>;
  /** Messages, datagrams or connections that were not taken. */
  drop(reason: string): void;
  /** Whether somebody may send; whoever may not was counted. */
  allows(address: string): boolean;
}

export type Listener = ToolkitListener<SyslogAddress>;
