import { expect, test } from 'vitest';
import { layerProblems } from './layers.js';
import { readFiles } from './source-files.js';

test('every file imports only what its layer may', () => {
  const files = readFiles('src');
  expect(files.size).toBeGreaterThan(10);
  expect(layerProblems(files)).toEqual([]);
});

/** Without these the check above could pass because it sees nothing. */
test.each([
  ['core imports a source', 'src/core/a.ts', `import { x } from '../sources/git/source.js';`],
  ['core imports a source lazily', 'src/core/a.ts', `const x = () => import('../sources/git/index.js');`],
  ['core imports the type of a source', 'src/core/a.ts', `let x: import('../sources/git/index.js').GitSource;`],
  ['core imports the toolkit', 'src/core/a.ts', `import type { Retry } from '../toolkit/retry.js';`],
  ['core imports a package', 'src/core/a.ts', `import * as z from 'zod';`],
  ['the toolkit re-exports the pipeline', 'src/toolkit/index.ts', `export * from '../pipeline/ingest.js';`],
  ['a source imports another', 'src/sources/git/a.ts', `import { x } from '../github/client.js';`],
  ['a source imports the pipeline', 'src/sources/git/a.ts', `import { ingest } from '../../pipeline/ingest.js';`],
  ['a source imports its catalogue', 'src/sources/git/a.ts', `import { builtinSources } from '../index.js';`],
  ['a package outside the client', 'src/sources/git/source.ts', `import { simpleGit } from 'simple-git';`],
  ['a package required', 'src/sources/git/source.ts', `const { simpleGit } = require('simple-git');`],
  ['a cursor store imports a sink', 'src/cursors/file.ts', `import { x } from '../sinks/jsonl/index.js';`],
  ['the pipeline imports a cursor store', 'src/pipeline/a.ts', `import { x } from '../cursors/memory.js';`],
  ['the test kit imports a source', 'src/testing/a.ts', `import { x } from '../sources/git/index.js';`],
  ['the public list names a source', 'src/index.ts', `export { GitSource } from './sources/git/index.js';`],
  ['a source imports us by name', 'src/sources/git/a.ts', `import { EventSource } from 'headwater';`],
  ['a file of no layer', 'src/helpers/a.ts', ''],
])('finds it when %s', (_, path, code) => {
  expect(layerProblems(new Map([[path, code]]))).not.toEqual([]);
});

test('finds a package that the main entry reaches through others', () => {
  const files = new Map([
    ['src/index.ts', `export { retry } from './toolkit/retry.js';`],
    ['src/toolkit/retry.ts', `export { http } from './http.js';`],
    ['src/toolkit/http.ts', `import { request } from 'undici';`],
  ]);
  expect(layerProblems(files)).toEqual(['src/index.ts reaches the package undici through src/toolkit/http.ts']);
});

test('allows what the layers allow', () => {
  const files = new Map([
    ['src/core/a.ts', `import type { StandardSchemaV1 } from '@standard-schema/spec'; import { b } from './b.js';`],
    ['src/sources/index.ts', `export const all = { git: () => import('./git/index.js') };`],
    ['src/sources/git/client.ts', `import { simpleGit } from 'simple-git'; import { x } from '../../toolkit/glob.js';`],
    ['src/sources/logs/log/source.ts', `import { tail } from '../shared/tail.js';`],
    ['src/cursors/kysely/store.ts', `import type { Kysely } from 'kysely';`],
    ['src/index.ts', `export { MemoryCursorStore } from './cursors/memory.js';`],
  ]);
  expect(layerProblems(files)).toEqual([]);
});
