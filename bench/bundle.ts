import { BUNDLE_LIMIT_BYTES, bundleProblems, measureBundle } from '../scripts/measure-bundle.js';
import { type Bench, figure } from './measure.js';

/** What `import 'headwater'` adds to a host's bundle. */
export const bundle: Bench = {
  name: 'bundle',
  async *rows() {
    const { bytes, packages } = await measureBundle();
    const limit = BUNDLE_LIMIT_BYTES / 1_000;
    yield figure(
      'bundle',
      "kB of '.', minified and gzipped, with all it needs",
      bytes / 1_000,
      limit,
      bytes / BUNDLE_LIMIT_BYTES,
      1,
    );
    const foreign = bundleProblems({ bytes: 0, packages }).length;
    yield figure('bundle', 'sources and vendor packages in it', foreign, 0, foreign, 0);
  },
};
