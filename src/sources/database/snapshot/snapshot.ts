import type { SnapshotConfig } from '../config.js';
import type { DatabaseBatches, ModeContext } from '../mode.js';

export async function* readSnapshots(_mode: ModeContext, _config: SnapshotConfig): DatabaseBatches {
  yield* [];
}
