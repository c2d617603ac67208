import type { Clock } from '../../core/clock.js';
import type { Listener } from '../listening.js';
import type { UdpAddress } from './datagrams.js';
import { kernelDrops } from './kernel-drops.js';

const INTERVAL_MS = 1_000;

export interface KernelWatchOptions {
  readonly clock: Clock;
  /** Called as soon as a loss is seen. */
  count(count: number): void;
  /** Called with what was lost since (milliseconds since the epoch), one call after the other. */
  tell(count: number, since: number): Promise<void>;
}

/** Looks again and again at how many datagrams the system has dropped, where it tells. */
export class KernelWatch {
  readonly #options: KernelWatchOptions;
  #listeners: readonly Listener<UdpAddress>[] = [];
  readonly #known = new Map<Listener<UdpAddress>, number>();
  #stopped = new AbortController();
  #lookedAt = 0;
  #untold: { count: number; since: number } | undefined;
  #isTelling = false;

  constructor(options: KernelWatchOptions) {
    this.#options = options;
  }

  start(listeners: readonly Listener<UdpAddress | { readonly transport: string }>[]): void {
    this.#listeners = listeners.filter((each) => each.address.transport === 'udp') as Listener<UdpAddress>[];
    this.#known.clear();
    this.#lookedAt = this.#options.clock.now();
    this.#stopped = new AbortController();
    if (this.#listeners.length > 0) void this.#run(this.#stopped.signal);
  }

  /** Looks a last time: once the sockets are closed the system has forgotten them. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#look();
  }

  async #run(signal: AbortSignal): Promise<void> {
    const pause = (): Promise<boolean> =>
      this.#options.clock.sleep(INTERVAL_MS, signal).then(
        () => true,
        () => false,
      );
    while (await pause()) await this.#look();
  }

  async #look(): Promise<void> {
    const since = this.#lookedAt;
    this.#lookedAt = this.#options.clock.now();
    const counts = await Promise.all(this.#listeners.map((listener) => this.#newDropsOf(listener)));
    const count = counts.reduce((sum, one) => sum + one, 0);
    if (count === 0) return;
    this.#options.count(count);
    this.#untold = { count: count + (this.#untold?.count ?? 0), since: this.#untold?.since ?? since };
    if (!this.#isTelling) void this.#tellAll();
  }

  /** While nobody takes what is told, what is lost adds up. */
  async #tellAll(): Promise<void> {
    this.#isTelling = true;
    for (let loss = this.#untold; loss !== undefined; loss = this.#untold) {
      this.#untold = undefined;
      await this.#options.tell(loss.count, loss.since);
    }
    this.#isTelling = false;
  }

  async #newDropsOf(listener: Listener<UdpAddress>): Promise<number> {
    const total = await kernelDrops(listener.address);
    const known = this.#known.get(listener) ?? 0;
    if (total === undefined || total <= known) return 0;
    this.#known.set(listener, total);
    return total - known;
  }
}
