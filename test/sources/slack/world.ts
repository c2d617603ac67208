import type { CursorRecord, SourceEvent } from 'headwater';
import { EventSourceFactory, MemoryCursorStore } from 'headwater';
import { type SlackConfigInput, type SlackEvent, SlackSource } from 'headwater/sources/slack';
import { FakeClock, RecordingLogger } from 'headwater/testing';
import { SlackServer } from '../../services/slack/slack-server.js';

/** 10 June 2024, 06:13:20 UTC: ts 1718000000.000000. */
export const START = 1_718_000_000_000;
export const DAY = 86_400_000;

export interface StartOptions {
  config?: SlackConfigInput;
  token?: string;
  onGap?: 'throw' | 'emit';
}

/** A workspace, a store for what is saved, and a clock that both sides go by. */
export class SlackWorld {
  readonly clock = new FakeClock(START);
  readonly logger = new RecordingLogger();
  store = new MemoryCursorStore();
  readonly slack: SlackServer;

  private constructor(slack: SlackServer) {
    this.slack = slack;
    slack.now = () => this.clock.now();
  }

  static async start(): Promise<SlackWorld> {
    return new SlackWorld(await SlackServer.start());
  }

  get workspace() {
    return this.slack.workspace;
  }

  /** A source as a new process makes it: from what is saved. */
  async source(options: StartOptions = {}): Promise<SlackSource> {
    const { config, token = this.slack.token } = options;
    const factory = new EventSourceFactory({ sources: { slack: SlackSource }, cursorStore: this.store });
    return factory.create('slack', {
      id: 'chat',
      credentials: { token },
      config: { apiUrl: this.slack.url, ...config },
      clock: this.clock,
      logger: this.logger,
    });
  }

  /** A whole run: what is saved, read to the end, saved. */
  async run(config?: SlackConfigInput): Promise<SlackEvent[]> {
    const source = await this.source(config === undefined ? {} : { config });
    const events: SlackEvent[] = [];
    for await (const event of source.generateEvents()) events.push(event);
    await source.close();
    return events;
  }

  /** A run whose waits for rate limits and retries pass at once. */
  async runMoving(config?: SlackConfigInput): Promise<SlackEvent[]> {
    return this.moving(this.run(config));
  }

  /** Moves time for as long as something waits for it. */
  async moving<Result>(result: Promise<Result>): Promise<Result> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    result.then(settle, settle);
    while (!isSettled) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (!isSettled && this.clock.sleeping > 0) await this.clock.advance(1_000);
    }
    return result;
  }

  async saved(): Promise<CursorRecord | undefined> {
    return this.store.load('chat');
  }

  async stop(): Promise<void> {
    await this.slack.stop();
  }
}

export function typesOf(events: readonly SourceEvent[]): string[] {
  return events.map(({ type }) => type);
}

export function idsOf(events: readonly SourceEvent[]): string[] {
  return events.map(({ id }) => id);
}

/** The texts of messages, in order. */
export function textsOf(events: readonly SlackEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'slack.message' ? [event.data.text] : []));
}
