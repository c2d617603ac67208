import { defineConfig } from 'vitest/config';
import { sharedTestOptions } from './vitest.config.js';

/** Tests of the packed package, as a host would install it. They need `npm run build` and the npm registry. */
export default defineConfig({
  test: {
    ...sharedTestOptions,
    include: ['test/package/**/*.test.ts'],
    globalSetup: ['test/package/install.ts'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
});
