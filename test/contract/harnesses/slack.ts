import { SlackSource } from 'headwater/sources/slack';
import type { SourceHarness, SourceWorld } from 'headwater/testing';
import type { SlackChannel } from '../../services/slack/channel.js';
import { SlackServer } from '../../services/slack/slack-server.js';

const START = Date.UTC(2024, 5, 10);
const FLOOD = 2_000;
const PAGE = 4;

/** A workspace with a thread, an edit, people who come and go. */
class Workspace implements SourceWorld {
  readonly server: SlackServer;
  readonly config: unknown;
  readonly credentials: unknown;
  /** Six messages, two replies, one who joined. */
  readonly events = 9;
  readonly #channel: SlackChannel;
  #posted = 0;

  private constructor(server: SlackServer) {
    this.server = server;
    // Windows as wide as can be, so that what is remembered takes part.
    const windows = { threads: { windowDays: 3_650 }, reread: { windowDays: 3_650 } };
    this.config = { apiUrl: server.url, workspace: 'T000000001', pageSize: PAGE, ...windows };
    this.credentials = { token: server.token };
    this.#channel = server.workspace.channel('general');
    const [first = ''] = this.#channel.fill(5, { from: START, everyMs: 1_000 });
    this.#channel.edit(first, 'edited', { at: START + 60_000 });
    this.#channel.react(first, 'tada', 'U000000001');
    this.#channel.reply(first, { text: 'reply', at: START + 100_000 });
    this.#channel.reply(first, { text: 'another', at: START + 101_000 });
    this.#channel.join('U000000003', { at: START + 110_000 });
    this.#channel.post({ text: 'last', at: START + 120_000 });
  }

  static async open(): Promise<Workspace> {
    return new Workspace(await SlackServer.start());
  }

  more(): void {
    this.#posted += 1;
    this.#channel.post({ text: `more ${this.#posted}`, at: START + 1_000_000 + this.#posted });
  }

  flood(): void {
    this.#channel.fill(FLOOD, { from: START + 2_000_000, everyMs: 1_000 });
  }

  /** Pages that were answered, of all there are. */
  get taken(): number {
    return (this.server.count('conversations.history') * PAGE) / FLOOD;
  }

  fail(kind: 'transient' | 'permanent', after: number): void {
    this.server.clear();
    if (kind === 'transient') this.server.fail('*', after + 1, { kind: 'status', status: 503 });
    else this.server.fail('*', after + 1, { kind: 'error', error: 'invalid_auth' }, Number.POSITIVE_INFINITY);
  }

  async close(): Promise<void> {
    await this.server.stop();
  }
}

export const harness: SourceHarness<Workspace> = {
  source: SlackSource,
  open: () => Workspace.open(),
  more: async (workspace) => workspace.more(),
  requests: ({ server }) => server.count(),
  fail: (workspace, kind, after) => workspace.fail(kind, after),
  hang: ({ server }) => server.fail('*', 1, { kind: 'hang' }, Number.POSITIVE_INFINITY),
  connections: ({ server }) => server.connections,
  flood: async (workspace) => workspace.flood(),
  taken: (workspace) => workspace.taken,
  secrets: ['xoxb-test-1234567890-planted-secret'],
  patienceMs: 20_000,
};
