import type { SlackChannel } from '../services/slack/channel.js';
import { SlackServer } from '../services/slack/slack-server.js';
import type { Service } from './services.js';
import type { SlackAccess } from './slack-scenarios.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** After so many requests something happens, and again, until it has happened so often. */
const REQUESTS_BETWEEN = 3;
const MOST_CHANGES = 40;
const [ANN, BOT] = ['U000000001', 'U000000002'];

/**
 * A server with two channels: messages older than what is read again, recent ones, threads. While it is read, people go
 * on writing, editing, deleting, replying and reacting: by the requests that are seen, so that it is the same each time.
 */
export class MovingWorkspace implements Service {
  readonly access: SlackAccess;
  readonly server: SlackServer;
  /** Everything that was ever to be seen, in the words of `said`. */
  readonly everything = new Set<string>();
  readonly #general: SlackChannel;
  readonly #random: SlackChannel;
  /** Messages that things happen to. */
  #recent: string[] = [];
  #parents: string[] = [];
  #changes = 0;

  private constructor(server: SlackServer) {
    this.server = server;
    this.access = { apiUrl: server.url, token: server.token };
    this.#general = server.workspace.channel('general');
    this.#random = server.workspace.channel('random', { type: 'private_channel' });
  }

  static async start(): Promise<MovingWorkspace> {
    const began = Date.now() - 4 * DAY_MS;
    const workspace = new MovingWorkspace(await SlackServer.start({ now: () => began }));
    workspace.#fill();
    workspace.server.now = Date.now;
    workspace.server.beforeEach('*', ({ number }) => {
      if (number % REQUESTS_BETWEEN === 0 && workspace.#changes < MOST_CHANGES) workspace.#change(workspace.#changes++);
    });
    return workspace;
  }

  rest(): void {
    this.server.clear();
  }

  close(): Promise<void> {
    return this.server.stop();
  }

  #fill(): void {
    const now = Date.now();
    for (let index = 0; index < 40; index += 1)
      this.#post(this.#general, `old ${index}`, now - 3 * DAY_MS + index * 60_000);
    for (let index = 0; index < 8; index += 1)
      this.#post(this.#random, `old ${index}`, now - 3 * DAY_MS + index * 60_000);
    const oldParent = this.#post(this.#general, 'old parent', now - 3 * DAY_MS + HOUR_MS);
    for (let index = 0; index < 4; index += 1) this.#reply(oldParent, `old reply ${index}`);
    const recent = now - 10 * HOUR_MS;
    this.#recent = Array.from({ length: 24 }, (_, index) =>
      this.#post(this.#general, `recent ${index}`, recent + index * 60_000),
    );
    for (let index = 0; index < 6; index += 1) this.#post(this.#random, `recent ${index}`, recent + index * 60_000);
    this.#parents = [0, 1].map((index) => this.#post(this.#general, `parent ${index}`, now - (3 - index) * HOUR_MS));
    for (const parent of this.#parents) {
      for (let index = 0; index < 4; index += 1) this.#reply(parent, `reply ${index}`, index === 2);
    }
  }

  #change(count: number): void {
    const round = Math.floor(count / 10);
    const parent = this.#parents[round % 2] as string;
    const changes = [
      () => this.#post(this.#general, `new ${count}`),
      () => this.#edit(round, `edited ${count}`),
      () => this.#reply(parent, `later reply ${count}`),
      () => this.#react(round, 'added'),
      () => this.#delete(round),
      // Often within the second of the edit before.
      () => this.#edit(round, `edited again ${count}`),
      () => this.#post(this.#random, `late ${count}`, Date.now() - HOUR_MS),
      () => this.#react(round, 'removed'),
      () => this.#join(`U10000000${round}`),
      () => this.#reply(parent, `later broadcast ${count}`, true),
    ];
    changes[count % changes.length]?.();
  }

  #post(channel: SlackChannel, text: string, at?: number): string {
    const ts = channel.post({ text, at });
    this.everything.add(`${channel.id}:${ts} says ${text}`);
    return ts;
  }

  #reply(parent: string, text: string, broadcast = false): void {
    const at = this.#parents.length === 0 ? Number(parent) * 1_000 + 60_000 : undefined;
    const ts = this.#general.reply(parent, { text, at, broadcast });
    this.everything.add(`${this.#general.id}:${ts} says ${text}`);
  }

  #edit(index: number, text: string): void {
    const ts = this.#recent[index] as string;
    this.#general.edit(ts, text);
    this.everything.add(`${this.#general.id}:${ts} says ${text}`);
  }

  #delete(index: number): void {
    const ts = this.#recent[this.#recent.length - 1 - index] as string;
    this.#general.delete(ts);
    this.everything.add(`${this.#general.id}:${ts} deleted`);
  }

  /** Each reacts to one of its own; half of what is added stays. */
  #react(round: number, what: 'added' | 'removed'): void {
    const ts = this.#recent[8 + round] as string;
    if (what === 'added') for (const user of [ANN, BOT]) this.#general.react(ts, 'tada', user);
    else this.#general.unreact(ts, 'tada', ANN);
    for (const user of [ANN, BOT]) this.everything.add(`${this.#general.id}:${ts} ${what} tada ${user}`);
  }

  #join(user: string): void {
    const ts = this.#random.join(user);
    this.everything.add(`${this.#random.id}:${ts} joined`);
  }
}
