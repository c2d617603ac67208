import type { WebhookRequest } from '../../../../src/sources/webhook/provider.js';

export interface RequestFields {
  readonly method?: string;
  readonly url?: string;
  /** By lower-case names; an array is a header that came more than once. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
  /** Milliseconds since the epoch. */
  readonly receivedAt?: number;
}

/** A request as a provider sees it. */
export function request({ method = 'POST', url = '/', headers = {}, body = '', receivedAt = 0 }: RequestFields) {
  const bytes = Buffer.from(body as Uint8Array);
  return {
    method,
    url,
    params: {},
    address: undefined,
    header(name) {
      const value = headers[name];
      return typeof value === 'string' ? value : undefined;
    },
    headerNames: () => Object.keys(headers),
    body: bytes,
    content: bytes,
    receivedAt,
  } satisfies WebhookRequest;
}

/** The same request before it is believed: whoever parses it fails. */
export function unread(fields: RequestFields): WebhookRequest {
  return Object.defineProperty(request(fields), 'content', {
    get() {
      throw new Error('it was parsed before it was believed');
    },
  });
}
