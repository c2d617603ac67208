import { defineConfig } from 'tsup';
import { listEntries } from './scripts/entries.js';

export default defineConfig({
  entry: Object.fromEntries(listEntries().map(({ output, input }) => [output, input])),
  format: 'esm',
  target: 'node20',
  platform: 'node',
  removeNodeProtocol: false,
  // Shared chunks: with a copy of the core in every entry, `instanceof` would fail between them.
  splitting: true,
  dts: true,
  sourcemap: true,
  clean: true,
  tsconfig: 'tsconfig.build.json',
});
