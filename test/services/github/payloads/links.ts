/** A JSON object as it is sent. */
export type Json = Readonly<Record<string, unknown>>;

/** Where the URLs in payloads begin. */
export interface Links {
  /** Of the API: the test server itself. */
  readonly api: string;
  /** Of the pages for people. */
  readonly web: string;
}

/** The opaque global id that GitHub gives everything besides its number. */
export function nodeId(prefix: string, id: number | string): string {
  return `${prefix}_${Buffer.from(`0:${id}`).toString('base64url')}`;
}
