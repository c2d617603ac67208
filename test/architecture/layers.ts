import { type Files, importGraph, readImports } from './source-files.js';

/** Which parts of the library a part may import. A source may import its own family as well. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  toolkit: ['core'],
  cursors: ['core', 'toolkit'],
  // A sink is what the pipeline asks for: see src/pipeline/sink.ts and dead-letters/.
  sinks: ['core', 'toolkit', 'pipeline'],
  pipeline: ['core', 'toolkit'],
  manager: ['core', 'toolkit', 'pipeline'],
  cache: ['core'],
  sources: ['core', 'toolkit'],
  testing: ['core', 'toolkit', 'cursors', 'sinks', 'pipeline'],
  /** src/index.ts, the public list. */
  index: ['core', 'toolkit', 'cursors', 'sinks', 'pipeline'],
};

/** npm packages that a part may import; those of a source are for its client alone. */
const MAY_USE: Readonly<Record<string, readonly string[]>> = {
  core: ['@standard-schema/spec'],
  toolkit: [
    '@standard-schema/spec',
    'p-retry',
    'p-throttle',
    'picomatch',
    'undici',
    'kysely',
    're2js',
    'saxes',
    'yaml',
  ],
  cursors: [],
  sinks: [],
  pipeline: ['@standard-schema/spec', 'p-retry'],
  manager: [],
  cache: [],
  sources: ['@standard-schema/spec', 'zod'],
  testing: ['@standard-schema/spec', 'cloudevents'],
  index: [],
};

/** What `headwater` itself may load. */
const MAIN_ENTRY_MAY_LOAD = ['p-retry', 'picomatch'];

const CATALOGUE = 'src/sources/index.ts';

/** Every breach of the layers, one sentence each. */
export function layerProblems(files: Files): string[] {
  return [...files].flatMap(([path, code]) => fileProblems(path, code)).concat(mainEntryProblems(files));
}

function fileProblems(path: string, code: string): string[] {
  const part = partOf(path);
  const allowed = MAY_IMPORT[part];
  if (allowed === undefined) return [`${path} belongs to no known part of the library`];
  const problems: string[] = [];
  for (const { specifier, file, packageName } of readImports(path, code)) {
    if (file !== undefined && !mayImport(path, file, allowed)) problems.push(`${path} must not import ${file}`);
    if (packageName !== undefined && !mayUse(path, part, packageName))
      problems.push(`${path} must not import the package ${packageName}`);
    if (specifier.startsWith('headwater')) problems.push(`${path} imports the library by its public name`);
  }
  return problems;
}

function mayImport(path: string, file: string, allowed: readonly string[]): boolean {
  const part = partOf(path);
  const target = partOf(file);
  if (path === CATALOGUE) return target === 'sources' || allowed.includes(target);
  if (part === 'sources' && target === 'sources') return familyOf(path) === familyOf(file);
  return part === target || allowed.includes(target);
}

function mayUse(path: string, part: string, packageName: string): boolean {
  if (MAY_USE[part]?.includes(packageName)) return true;
  if (part === 'sources') return path.endsWith('/client.ts');
  // A store or sink of a database lives in a folder of its own, behind its own entry.
  return (part === 'cursors' || part === 'sinks') && path.split('/').length > 3;
}

function mainEntryProblems(files: Files): string[] {
  const problems: string[] = [];
  for (const [path, imports] of importGraph('src/index.ts', files)) {
    if (path.startsWith('src/sources/')) problems.push(`src/index.ts reaches ${path}`);
    for (const { packageName } of imports)
      if (packageName !== undefined && !MAIN_ENTRY_MAY_LOAD.includes(packageName))
        problems.push(`src/index.ts reaches the package ${packageName} through ${path}`);
  }
  return problems;
}

/** 'src/core/event.ts' -> 'core'; 'src/index.ts' -> 'index'. */
function partOf(path: string): string {
  return (path.split('/')[1] ?? '').replace(/\.ts$/, '');
}

/** 'src/sources/logs/log/source.ts' -> 'logs' */
function familyOf(path: string): string | undefined {
  return path.split('/')[2];
}
