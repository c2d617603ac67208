import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listEntries, repositoryRoot } from '../../scripts/entries.js';
import { type Outcome, Project, run, told } from './project.js';

const strict = { target: 'ES2023', strict: true, noEmit: true, skipLibCheck: false, types: ['node'] };

const everyEntry = listEntries()
  .map(({ specifier }, index) => `import * as entry${index} from '${specifier}';\nvoid entry${index};`)
  .join('\n');

const program = `
import { ingest } from 'headwater';
import { GitSource } from 'headwater/sources/git';

const source = await GitSource.create({ id: 'history', config: { dir: '.' } });
for await (const event of source.generateEvents()) {
  if (event.type === 'git.commit') event.data.sha.toUpperCase();
}
await ingest({ source, sink: (batch) => console.log(batch.events.length) });
// @ts-expect-error A misspelt key is an error of the compiler.
void GitSource.create({ id: 'history', config: { dri: '.' } });
`;

describe.each([
  ['nodenext', { module: 'nodenext', moduleResolution: 'nodenext' }],
  ['bundler', { module: 'preserve', moduleResolution: 'bundler' }],
])('a TypeScript project with module resolution %s', (_, resolution) => {
  test('type-checks the library and its use', () => {
    const project = new Project({
      'package.json': { type: 'module' },
      'tsconfig.json': { compilerOptions: { ...strict, ...resolution } },
      'every-entry.ts': everyEntry,
      'main.ts': program,
    });
    expect(told(compile(project))).toBe('exit status 0');
  });
});

test('a CommonJS TypeScript project type-checks', () => {
  const project = new Project({
    'package.json': {},
    'tsconfig.json': { compilerOptions: { ...strict, module: 'nodenext', moduleResolution: 'nodenext' } },
    'every-entry.cts': everyEntry,
  });
  expect(told(compile(project))).toBe('exit status 0');
});

test('a wrong use is found, so the checks above see the types', () => {
  const project = new Project({
    'package.json': { type: 'module' },
    'tsconfig.json': { compilerOptions: { ...strict, module: 'nodenext', moduleResolution: 'nodenext' } },
    'main.ts': `import { EventSource } from 'headwater';\nexport const broken: string = EventSource;`,
  });
  expect(told(compile(project))).toContain('TS2322');
});

function compile(project: Project): Outcome {
  return run(
    process.execPath,
    [join(repositoryRoot, 'node_modules/typescript/bin/tsc'), '--project', '.'],
    project.folder,
  );
}
