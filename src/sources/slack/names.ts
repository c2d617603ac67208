import type { SlackClient } from './client.js';
import type { Fields } from './events.js';

const MOST_PEOPLE = 10_000;

/** The names of people and channels, asked for once each. */
export class Names {
  readonly #client: SlackClient;
  readonly #people = new Map<string, string | undefined>();

  constructor(client: SlackClient) {
    this.#client = client;
  }

  /** Adds the names to what an event is made of. */
  async addTo(fields: Fields): Promise<void> {
    const { data } = fields;
    if (fields.type === 'slack.channel.renamed') this.#client.names.set(data.channel, fields.data.name);
    data.channelName = await this.#channelName(data.channel);
    if (fields.type === 'slack.message.deleted' || fields.data.user === undefined) return;
    const name = await this.#personName(fields.data.user);
    if (name !== undefined) fields.data.userName = name;
  }

  async #channelName(id: string): Promise<string> {
    const known = this.#client.names.get(id);
    if (known !== undefined) return known;
    const { name } = await this.#client.channel(id);
    this.#client.names.set(id, name);
    return name;
  }

  async #personName(id: string): Promise<string | undefined> {
    if (this.#people.has(id)) return this.#people.get(id);
    const name = await this.#client.userName(id);
    if (this.#people.size >= MOST_PEOPLE) this.#people.delete(this.#people.keys().next().value as string);
    this.#people.set(id, name);
    return name;
  }
}
