import { peerFailure } from '../../toolkit/import-peer.js';

/** Finds what a JSONPath names. */
export type JsonPathQuery = (value: never, path: string) => readonly unknown[];

/** @throws MissingPeerError */
export async function importJsonPath(): Promise<JsonPathQuery> {
  try {
    const { query } = await import('jsonpath-rfc9535');
    return query as unknown as JsonPathQuery;
  } catch (error) {
    throw peerFailure('jsonpath-rfc9535', error);
  }
}
