import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { NotRunReporter } from './test/not-run-reporter.js';

/** Where .ci/run finds the counts of a run. */
const resultsFile = process.env['TEST_RESULTS'];

export const sharedTestOptions = {
  pool: 'forks',
  // Many a test waits for a server or a clock: one more than a small machine has cores.
  maxWorkers: 3,
  // A rejection that nobody handles ends the worker, as it would end the host's process.
  execArgv: ['--unhandled-rejections=strict'],
  reporters: ['default', new NotRunReporter(), ...(resultsFile ? ['json' as const] : [])],
  ...(resultsFile && { outputFile: { json: resultsFile } }),
} satisfies ViteUserConfig['test'];

export default defineConfig({
  resolve: {
    // Tests and documentation write what a host writes; here it means the source files.
    alias: [
      { find: /^headwater$/, replacement: path('src/index.ts') },
      { find: /^headwater\/(.+)$/, replacement: `${path('src')}/$1/index.ts` },
    ],
  },
  test: {
    ...sharedTestOptions,
    include: ['test/**/*.test.ts'],
    exclude: ['test/package/**'],
    // A net for what hangs, wide enough for a machine that has other things to do.
    testTimeout: 60_000,
    typecheck: {
      enabled: true,
      include: ['test/types/**/*.test-d.ts'],
      tsconfig: path('tsconfig.json'),
    },
  },
});

function path(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}
