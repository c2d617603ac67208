import type { Clock } from '../../core/clock.js';
import { NotFoundError } from '../../core/errors.js';
import type { HttpResponse } from '../../toolkit/http/http-response.js';
import { serverTime } from '../../toolkit/http/rate-headers.js';
import type { Validators } from '../../toolkit/http/validators.js';
import { itemsOf } from './answers.js';
import type { GithubClient } from './client.js';
import type { Place } from './events.js';
import { payloadOf } from './payload.js';
import type { Page, PageOptions, RepositoryReader } from './walk.js';

export interface RepositoryPagesOptions {
  client: GithubClient;
  validators: Validators;
  clock: Clock;
  place: Place;
  /** Called before anything new is believed, and when nothing is there: is it still the repository that is meant? */
  verify: () => Promise<void>;
}

/**
 * The pages of one repository, asked for by its number: a name may be changed, and then belong to another repository;
 * a number is never given again. GitHub's own links and redirects have that form.
 */
export class RepositoryPages implements RepositoryReader {
  readonly place: Place;
  readonly #options: RepositoryPagesOptions;

  constructor(options: RepositoryPagesOptions) {
    this.#options = options;
    this.place = options.place;
    this.url = this.url.bind(this);
    this.page = this.page.bind(this);
  }

  url(path: string, query: Readonly<Record<string, string | number | undefined>> = {}): string {
    const url = new URL(`${this.place.uri}/${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    return url.href;
  }

  async page(url: string, options: PageOptions = {}): Promise<Page> {
    const { client, validators, clock } = this.#options;
    const { accept, acceptStatus, isObject, wrappedIn } = options;
    const response = await this.#get(() => client.get(url, { accept, acceptStatus, validators }));
    const isUnchanged = response.status === 304;
    if (!isUnchanged) await this.#options.verify();
    return {
      isUnchanged,
      status: response.status,
      items: isUnchanged || isObject === true ? [] : itemsOf(response, wrappedIn).map(payloadOf),
      body: isObject === true && response.status === 200 ? response.json() : undefined,
      link: response.headers['link'],
      headers: response.headers,
      validator: response.validator,
      serverNow: serverTime(response.headers, clock.now()),
    };
  }

  /** What is not there by its number may be another repository by its name. */
  async #get(ask: () => Promise<HttpResponse>): Promise<HttpResponse> {
    try {
      return await ask();
    } catch (error) {
      if (NotFoundError.isInstance(error)) await this.#options.verify();
      throw error;
    }
  }
}
