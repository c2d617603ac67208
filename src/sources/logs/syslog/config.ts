import * as z from 'zod';
import { isPeer } from '../../../toolkit/allow-list.js';
import { isZone, UTC } from '../format/zone.js';

const host = z.string().min(1).default('127.0.0.1');
const port = z.int().min(0).max(65_535);
const file = z.string().min(1);

const listener = z.discriminatedUnion('transport', [
  z.strictObject({ transport: z.literal('udp'), host, port }),
  z.strictObject({ transport: z.literal('tcp'), host, port }),
  z.strictObject({
    transport: z.literal('tls'),
    host,
    port,
    /** PEM files, read when the source begins to listen. */
    certFile: file,
    keyFile: file,
    /** Asks senders for a certificate, and refuses those that none of these authorities has signed. */
    clientCaFile: file.optional(),
  }),
  z.strictObject({ transport: z.literal('unix'), path: file }),
]);

const peer = z.string().refine(isPeer, 'expected an address, or a subnet such as 10.0.0.0/8');

/** What `SyslogSource.create` takes as `config`. */
export const syslogConfig = z.strictObject({
  /** Where to listen. `host` is 127.0.0.1 unless told; port 0 takes a free one, see `addresses()`. */
  listen: z.array(listener).min(1),
  /** Zone of times that name none, as in RFC 3164: an IANA name, `UTC`, or an offset such as `+02:00`. */
  zone: z.string().refine(isZone, 'expected the name of a zone, such as Europe/Berlin').default(UTC.name),
  /** A longer message is cut, and says so. RFC 5425 asks for 8192 at least. */
  maxMessageBytes: z.int().min(480).default(65_536),
  /** Messages that wait for the consumer, and their bytes. Beyond that UDP is dropped and connections are not read. */
  queueEvents: z.int().positive().default(10_000),
  queueBytes: z.int().positive().default(16_777_216),
  /** Connections at once, over all listeners; more are closed. */
  maxConnections: z.int().positive().default(256),
  /** Closes connections that have sent nothing for so long. Default: never, since what is sent meanwhile is lost. */
  idleTimeoutMs: z.int().positive().optional(),
  /** Addresses and subnets that may send; others are not heard. Default: all. Anybody can forge the sender of UDP. */
  allow: z.array(peer).min(1).optional(),
  /** Size of the system's buffer for UDP. Default: the system's. */
  receiveBufferBytes: z.int().positive().optional(),
  /** Add the message as it came, as `raw`. */
  raw: z.boolean().default(false),
});

export type SyslogConfig = z.output<typeof syslogConfig>;
export type SyslogConfigInput = z.input<typeof syslogConfig>;
export type ListenerConfig = z.output<typeof listener>;
