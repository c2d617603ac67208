import type { HttpResponse } from './http-response.js';
import type { Validators } from './validators.js';

/** What a source asks for. */
export interface HttpRequest {
  /** Absolute, or relative to the client's `origin` ('items' and '/items' both go below its path). */
  url: string | URL;
  /** Default GET. */
  method?: string | undefined;
  /** Added to the query of `url`; undefined values are left out. */
  query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
  body?: string | Uint8Array | undefined;
  /** Ends waiting, connecting and reading at once, with its reason. */
  signal?: AbortSignal | undefined;
  /** Whether it may be sent twice. Default: by the method, so not for POST and PATCH, which are then never sent again. */
  idempotent?: boolean | undefined;
  /** Statuses that are answers here, not errors: `[409]` where that means "empty". Bodies of others are cut at 64 KiB. */
  acceptStatus?: readonly number[] | undefined;
  /** Requests of one bucket share one rate limit: the method, with Slack. Default ''. */
  bucket?: string | undefined;
  /** Makes the request conditional, where they know the URL; the answer is then 304 when nothing changed. */
  validators?: Validators | undefined;
  /** Instead of the client's. */
  maxBodyBytes?: number | undefined;
}

export type { HttpResponse };
