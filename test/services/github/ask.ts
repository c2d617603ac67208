import { request } from 'undici';
import type { GithubServer } from './server.js';

export interface Asked {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** `undefined` for what is no JSON. */
  readonly json: unknown;
  /** URLs of the Link header by relation. */
  readonly links: Readonly<Record<string, string>>;
}

export interface Asking {
  readonly method?: 'GET' | 'POST';
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** One request as a plain client makes it: nothing followed, nothing tried again. A path, or a URL of the server. */
export async function ask(server: GithubServer, path: string, asking: Asking = {}): Promise<Asked> {
  const { statusCode, headers, body } = await request(new URL(path, server.url), {
    method: asking.method ?? 'GET',
    headers: {
      'user-agent': 'headwater-test',
      accept: 'application/vnd.github+json',
      ...(asking.token !== undefined && { authorization: `Bearer ${asking.token}` }),
      ...asking.headers,
    },
    ...(asking.body !== undefined && { body: JSON.stringify(asking.body) }),
  });
  const text = await body.text();
  return { status: statusCode, headers, text, json: readJson(text), links: readLinks(String(headers['link'] ?? '')) };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readLinks(header: string): Record<string, string> {
  return Object.fromEntries([...header.matchAll(/<([^>]+)>; rel="(\w+)"/g)].map(([, url, name]) => [name, url]));
}
