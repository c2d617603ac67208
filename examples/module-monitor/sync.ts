import type { SourceEvent } from 'headwater';
import type { Module, SyncRequest } from './sync-request.js';

/** What a site has sent, once it was believed. */
export interface Sync {
  /** The same when it comes again. */
  readonly id: string;
  readonly site: string;
  readonly mode: SyncRequest['mode'];
  readonly info: SyncRequest['site'];
  readonly modules: readonly Module[];
  /** RFC 3339 in UTC; later than that of each that was accepted before. */
  readonly receivedAt: string;
}

export type SyncEvent = SourceEvent<'monitor.sync', Sync>;

/** What became of it: what a site is answered, and can ask for later. */
export interface SyncResult {
  readonly syncId: string;
  readonly status: 'queued' | 'completed' | 'superseded' | 'failed' | 'refused';
  readonly counts: {
    readonly processed: number;
    readonly new: number;
    readonly updated: number;
    readonly removed: number;
    /** Modules of the site whose version a security fact names. */
    readonly securityUpdates: number;
  };
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  readonly errors: readonly { readonly code: string; readonly message: string }[];
  readonly processingMs: number;
  /** When the next one is expected; null where the site is to wait for this one. */
  readonly nextSyncAt: string | null;
}

export const nothingCounted: SyncResult['counts'] = {
  processed: 0,
  new: 0,
  updated: 0,
  removed: 0,
  securityUpdates: 0,
};
