import { randomBytes } from 'node:crypto';
import { parseConfig } from '../../../core/config.js';
import { FatalError, RetryableError } from '../../../core/errors.js';
import { PushEventSource } from '../../../core/push-event-source.js';
import type { PushLimits, PushOptions } from '../../../core/push-queue.js';
import type { ReadContext } from '../../../core/read-options.js';
import type { SourceOptions, ValidationResult } from '../../../core/source-definition.js';
import { createAllowList } from '../../../toolkit/allow-list.js';
import { hostText, listenFailure } from '../../../toolkit/listen-failure.js';
import { closeListeners, type Listener, Listening } from '../../../toolkit/listening.js';
import { listenToDatagrams } from '../../../toolkit/receive/datagrams.js';
import { KernelWatch } from '../../../toolkit/receive/kernel-watch.js';
import { metricEvents } from '../events.js';
import { type StatsdConfig, type StatsdConfigInput, type StatsdListener, statsdConfig } from './config.js';
import type { StatsdEvent, StatsdFields } from './events.js';
import { listenToLines, type StatsdAddress, type StatsdReceiver } from './stream-listener.js';
import { Taking } from './taking.js';

/**
 * A receiver of StatsD and DogStatsD over UDP, TCP and stream sockets of the file system. It listens while it is iterated,
 * or from `listen()` on until it is closed.
 *
 * @example
 * const source = await StatsdSource.create({ id: 'app', config: { listen: [{ transport: 'udp', port: 8125 }] } });
 * for await (const event of source.generateEvents()) {
 *   if (event.type === 'metric.sample') console.log(event.subject, event.data.value);
 * }
 */
export class StatsdSource extends PushEventSource<StatsdEvent, StatsdConfig> {
  static readonly definition = {
    type: 'statsd',
    config: statsdConfig,
    capabilities: {
      kind: 'push',
      delivery: 'at-most-once',
      position: 'none',
      ids: 'per-receipt',
      deletes: false,
      notes: [
        'StatsD has no acknowledgement: what is under way, and the interval that is not over, is lost when the process ends.',
        'Over UDP, what comes while the queue or the buffer of the system is full is dropped, counted and told by a gap.',
        'What thresholds know is known by the process alone.',
      ],
    },
    events: {
      ...metricEvents,
      'statsd.event': { description: 'Something happened (DogStatsD).' },
      'statsd.service_check': { description: 'How a service is (DogStatsD).' },
      'statsd.error': { description: 'A line cannot be understood.' },
    },
  } as const;

  /** @throws ConfigError with everything that is wrong with the configuration; nothing is opened. */
  static async create(options: SourceOptions<StatsdConfigInput, undefined, undefined>): Promise<StatsdSource> {
    const config = await parseConfig(statsdConfig, options);
    return new StatsdSource({ ...options, config });
  }

  readonly type = 'statsd';
  protected override readonly limits: PushLimits;
  readonly #receiver: StatsdReceiver;
  readonly #kernel: KernelWatch;
  readonly #listening: Listening<StatsdAddress>;
  readonly #taking: Taking;
  /** Tells the receipts of this source from those of any other, also of the same name. */
  readonly #boot = randomBytes(8).toString('hex');
  #receipts = 0;
  /** Of what is taken now. */
  #whenFull: PushLimits['whenFull'] = 'drop-newest';
  #isHeld = false;
  #isClosed = false;

  constructor(options: SourceOptions<StatsdConfig>) {
    super(options);
    const { queueEvents, queueBytes, maxConnections } = this.config;
    // The watch on the system may wait too.
    this.limits = {
      maxEvents: queueEvents,
      maxBytes: queueBytes,
      maxWaiting: maxConnections + 1,
      whenFull: 'drop-newest',
    };
    this.#taking = new Taking({
      config: this.config,
      clock: this.clock,
      take: (fields) => this.#take(fields),
      drop: (reason, count) => this.countDropped(reason, count),
    });
    this.#receiver = this.#createReceiver();
    this.#kernel = new KernelWatch({
      clock: this.clock,
      count: (count) => this.countDropped('kernel', count),
      tell: (count, since) => this.#tellDrops(count, since),
    });
    this.#listening = new Listening({
      open: () => this.#open(),
      beforeClose: async () => {
        await this.#kernel.stop();
        this.#taking.stop();
      },
    });
  }

  /**
   * Listens from now on until `close()`, also before the first iteration and between two.
   *
   * @returns where it listens: with port 0, the port that it was given.
   * @throws RetryableError, PermissionError or FatalError (STATSD_LISTEN); FatalError (SOURCE_CLOSED).
   */
  async listen(): Promise<readonly StatsdAddress[]> {
    if (this.#isClosed) {
      throw new FatalError(`source "${this.id}" is closed`, { code: 'SOURCE_CLOSED', sourceId: this.id });
    }
    this.#isHeld = true;
    await this.#listening.start();
    return this.addresses();
  }

  /** Where it listens now, in the order of the configuration; empty while it does not. */
  addresses(): readonly StatsdAddress[] {
    return this.#listening.addresses;
  }

  /** Tries to listen everywhere, and stops at once. Does nothing while the source listens. */
  async validate(): Promise<ValidationResult> {
    if (this.#listening.isOn) return { ok: true, problems: [] };
    try {
      await closeListeners(await this.#openAll(DEAF));
      return { ok: true, problems: [] };
    } catch (error) {
      const { code, message } = error as FatalError;
      return { ok: false, problems: [{ severity: 'error', code, message }] };
    }
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

  async #open(): Promise<readonly Listener<StatsdAddress>[]> {
    const listeners = await this.#openAll(this.#receiver);
    await this.#taking.start();
    this.#kernel.start(listeners);
    return listeners;
  }

  /** All of them, or none. */
  async #openAll(receiver: StatsdReceiver): Promise<readonly Listener<StatsdAddress>[]> {
    const listeners: Listener<StatsdAddress>[] = [];
    for (const where of this.config.listen) {
      try {
        listeners.push(await this.#openOne(where, receiver));
      } catch (error) {
        await closeListeners(listeners);
        throw listenFailure(error, { where: described(where), sourceId: this.id, code: 'STATSD_LISTEN' });
      }
    }
    return listeners;
  }

  #openOne(where: StatsdListener, receiver: StatsdReceiver): Promise<Listener<StatsdAddress>> {
    const { maxPacketBytes: maxBytes, receiveBufferBytes } = this.config;
    if (where.transport !== 'udp') return listenToLines(where, this.config, receiver);
    return listenToDatagrams(
      where,
      { maxBytes, receiveBufferBytes },
      {
        receive: (bytes, _remote, isCut) => {
          if (isCut) receiver.drop('packet-too-long');
          receiver.receive(bytes.toString('utf8'), false);
        },
        allows: (address) => receiver.allows(address),
        drop: (reason) => receiver.drop(reason),
      },
    );
  }

  #createReceiver(): StatsdReceiver {
    const isAllowed = createAllowList(this.config.allow);
    return {
      receive: (text, mayWait) => {
        this.count('bytes', text.length + 1);
        this.#whenFull = mayWait ? 'wait' : 'drop-newest';
        this.#taking.receive(text);
        this.#whenFull = 'drop-newest';
      },
      room: () => this.room(),
      drop: (reason) => this.countDropped(reason),
      allows: (address) => {
        if (isAllowed(address)) return true;
        this.countDropped('not-allowed');
        return false;
      },
    };
  }

  #take({ type, subject, time, data }: StatsdFields): void {
    this.#receipts += 1;
    const event = this.event({
      type,
      id: `${this.#boot}-${this.#receipts}`,
      subject,
      time,
      data,
    } as never) as StatsdEvent;
    this.#push(event, { whenFull: this.#whenFull });
  }

  #push(event: StatsdEvent, options: PushOptions): void {
    this.push(event, options).catch((error: unknown) => {
      // Nobody can be told to send it again. What was dropped for want of room is counted where it is dropped.
      if (RetryableError.isInstance(error) && error.code === 'SOURCE_CLOSED') this.countDropped('closed');
    });
  }

  async #tellDrops(count: number, since: number): Promise<void> {
    const range = { from: new Date(since).toISOString(), to: new Date(this.clock.now()).toISOString(), count };
    const detail = `the system dropped ${count} datagrams because its buffer for them was full`;
    this.#push(this.gap('overflow', detail, range), { whenFull: 'wait' });
    await this.room();
  }
}

function described(where: StatsdListener): string {
  return where.transport === 'unix'
    ? `unix:${where.path}`
    : `${where.transport}://${hostText(where.host)}:${where.port}`;
}

/** Hears nothing: for trying out whether it can be listened. */
const DEAF: StatsdReceiver = {
  receive() {},
  async room() {},
  drop() {},
  allows: () => false,
};
