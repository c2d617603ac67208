import { randomBytes } from 'node:crypto';
import { parseConfig } from '../../../core/config.js';
import { FatalError, RetryableError } from '../../../core/errors.js';
import { PushEventSource } from '../../../core/push-event-source.js';
import type { PushLimits, PushOptions } from '../../../core/push-queue.js';
import type { ReadContext } from '../../../core/read-options.js';
import type { SourceOptions, ValidationResult } from '../../../core/source-definition.js';
import { createAllowList } from '../../../toolkit/allow-list.js';
import { closeListeners, Listening } from '../../../toolkit/listening.js';
import { KernelWatch } from '../../../toolkit/receive/kernel-watch.js';
import type { LineFormat } from '../format/line-format.js';
import { createSyslogFormat } from '../format/syslog.js';
import { type SyslogConfig, type SyslogConfigInput, syslogConfig } from './config.js';
import { Connections } from './connections.js';
import { messageFields, problemFields, type SyslogEvent, type SyslogSender, withoutTerminator } from './events.js';
import { openListeners } from './listeners.js';
import type { Listener, Receiver, SyslogAddress } from './receiver.js';

/**
 * A receiver of syslog messages over UDP, TCP, TLS and stream sockets of the file system. It listens while it is
 * iterated, or from `listen()` on until it is closed.
 *
 * @example
 * const source = await SyslogSource.create({ id: 'net', config: { listen: [{ transport: 'udp', port: 5514 }] } });
 * for await (const event of source.generateEvents()) {
 *   if (event.type === 'syslog.message') console.log(event.data.host, event.data.level, event.data.message);
 * }
 */
export class SyslogSource extends PushEventSource<SyslogEvent, SyslogConfig> {
  static readonly definition = {
    type: 'syslog',
    config: syslogConfig,
    capabilities: {
      kind: 'push',
      delivery: 'at-most-once',
      position: 'none',
      ids: 'per-receipt',
      deletes: false,
      notes: [
        'Syslog has no acknowledgement: what is under way when the process ends is lost, over TCP too.',
        'Over UDP, what comes while the queue or the buffer of the system is full is dropped, counted and told by a gap.',
      ],
    },
    events: {
      'syslog.message': { description: 'A message of RFC 3164 or RFC 5424, or what came in place of one.' },
      'syslog.error': { description: 'A connection cannot be understood any further and was closed.' },
    },
  } as const;

  /** @throws ConfigError with everything that is wrong with the configuration; nothing is opened. */
  static async create(options: SourceOptions<SyslogConfigInput, undefined, undefined>): Promise<SyslogSource> {
    const config = await parseConfig(syslogConfig, options);
    return new SyslogSource({ ...options, config });
  }

  readonly type = 'syslog';
  protected override readonly limits: PushLimits;
  readonly #format: LineFormat;
  readonly #receiver: Receiver;
  readonly #connections: Connections;
  readonly #kernel: KernelWatch;
  readonly #listening: Listening<SyslogAddress>;
  /** Tells the receipts of this source from those of any other, also of the same name. */
  readonly #boot = randomBytes(8).toString('hex');
  #receipts = 0;
  /** Whether the host asked to listen beyond iterations. */
  #isHeld = false;
  #isClosed = false;

  constructor(options: SourceOptions<SyslogConfig>) {
    super(options);
    const { queueEvents, queueBytes, maxConnections, zone } = this.config;
    // Each connection waits with one event at most, and so does the watch on the system.
    const maxWaiting = maxConnections + 1;
    this.limits = { maxEvents: queueEvents, maxBytes: queueBytes, maxWaiting, whenFull: 'drop-newest' };
    this.#format = createSyslogFormat({ zone });
    this.#receiver = this.#createReceiver();
    this.#connections = new Connections(this.config, this.#receiver);
    this.#kernel = new KernelWatch({
      clock: this.clock,
      count: (count) => this.countDropped('kernel', count),
      tell: (count, since) => this.#tellDrops(count, since),
    });
    this.#listening = new Listening({ open: () => this.#open(), beforeClose: () => this.#kernel.stop() });
  }

  /**
   * Listens from now on until `close()`, also before the first iteration and between two: what comes is kept, within
   * the limits, for the next one. Without it the source listens only while it is iterated.
   *
   * @returns where it listens: with port 0, the port that it was given.
   * @throws RetryableError, PermissionError or FatalError (SYSLOG_LISTEN); FatalError (SOURCE_CLOSED).
   */
  async listen(): Promise<readonly SyslogAddress[]> {
    if (this.#isClosed) {
      throw new FatalError(`source "${this.id}" is closed`, { code: 'SOURCE_CLOSED', sourceId: this.id });
    }
    this.#isHeld = true;
    await this.#listening.start();
    return this.addresses();
  }

  /** Where it listens now, in the order of the configuration; empty while it does not. */
  addresses(): readonly SyslogAddress[] {
    return this.#listening.addresses;
  }

  /** Tries to listen everywhere, and stops at once. Does nothing while the source listens. */
  async validate(): Promise<ValidationResult> {
    if (this.#listening.isOn) return { ok: true, problems: [] };
    const { config, id: sourceId } = this;
    const connections = new Connections(config, DEAF);
    const { listeners, failures } = await openListeners({ sourceId, config, receiver: DEAF, connections });
    await closeListeners(listeners);
    const problems = failures.map(({ code, message }) => ({ severity: 'error', code, message }) as const);
    return { ok: problems.length === 0, problems };
  }

  override async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([this.#listening.stop(), super.close()]);
  }

  protected override async begin({ defer }: ReadContext<unknown>): Promise<void> {
    defer(async () => {
      if (!this.#isHeld) await this.#listening.stop();
    });
    await this.#listening.start();
  }

  async #open(): Promise<readonly Listener[]> {
    const { config, id: sourceId } = this;
    const surroundings = { sourceId, config, receiver: this.#receiver, connections: this.#connections };
    const { listeners, failures } = await openListeners(surroundings);
    if (failures[0] !== undefined) {
      await closeListeners(listeners);
      throw failures[0];
    }
    this.#kernel.start(listeners);
    return listeners;
  }

  #createReceiver(): Receiver {
    const isAllowed = createAllowList(this.config.allow);
    return {
      receive: (bytes, sender, isCut) => {
        const message = this.#toMessage(bytes, sender, isCut);
        if (message !== undefined) this.#take(message);
      },
      receiveHeldBack: async (bytes, sender, isCut) => {
        const message = this.#toMessage(bytes, sender, isCut);
        if (message !== undefined) await this.#takeHeldBack(message);
      },
      fail: (code, message, sender) =>
        this.#takeHeldBack(this.event(problemFields({ ...this.#receipt(), sender }, { code, message }))),
      drop: (reason) => this.countDropped(reason),
      allows: (address) => {
        if (isAllowed(address)) return true;
        this.countDropped('not-allowed');
        return false;
      },
    };
  }

  /** undefined: it says nothing. */
  #toMessage(received: Buffer, sender: SyslogSender, isCut: boolean): SyslogEvent | undefined {
    this.count('bytes', received.length);
    const bytes = withoutTerminator(received);
    if (bytes.length === 0) return undefined;
    const receipt = { ...this.#receipt(), sender, bytes, isCut };
    return this.event(messageFields(receipt, { format: this.#format, keepsRaw: this.config.raw }));
  }

  #receipt(): { id: string; at: number } {
    this.#receipts += 1;
    return { id: `${this.#boot}-${this.#receipts}`, at: this.clock.now() };
  }

  #take(event: SyslogEvent, options: PushOptions = {}): void {
    this.push(event, options).catch((error: unknown) => {
      // Nobody can be told to send it again. What was dropped for want of room is counted where it is dropped.
      if (RetryableError.isInstance(error) && error.code === 'SOURCE_CLOSED') this.countDropped('closed');
    });
  }

  async #takeHeldBack(event: SyslogEvent): Promise<void> {
    this.#take(event, { whenFull: 'wait' });
    await this.room();
  }

  async #tellDrops(count: number, since: number): Promise<void> {
    const range = { from: new Date(since).toISOString(), to: new Date(this.clock.now()).toISOString(), count };
    const detail = `the system dropped ${count} datagrams because its buffer for them was full`;
    await this.#takeHeldBack(this.gap('overflow', detail, range));
  }
}

/** Hears nothing: for trying out whether it can be listened. */
const DEAF: Receiver = {
  receive() {},
  async receiveHeldBack() {},
  async fail() {},
  drop() {},
  allows: () => false,
};
