import { cpSync, mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import commonjsPlugin from '@rollup/plugin-commonjs';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import { build } from 'esbuild';
import { rollup } from 'rollup';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import webpack from 'webpack';
import { filesystemProgram, gitProgram, makeRepository } from './programs.js';
import { Project, run, told } from './project.js';

/** Its types describe a CommonJS module; Node loads an ES module, whose default export is the plugin. */
const commonjs = commonjsPlugin as unknown as typeof commonjsPlugin.default;

/** Bundles `main.js` of a folder into `bundle/main.mjs`, and returns what it warned of. */
type Bundler = (folder: string) => Promise<string[]>;

const bundlers: [name: string, bundle: Bundler][] = [
  ['esbuild', bundleWithEsbuild],
  ['rollup', bundleWithRollup],
  ['webpack', bundleWithWebpack],
];

/** Where nothing is installed, neither in it nor above it. */
let bareFolder: string;
let repository: Project;

beforeAll(() => {
  bareFolder = mkdtempSync(join(tmpdir(), 'headwater-bare-'));
  repository = new Project({});
  makeRepository(repository.folder);
});

afterAll(() => rmSync(bareFolder, { recursive: true, force: true }));

describe.each(bundlers)('%s', (name, bundle) => {
  test('bundles one source, and the bundle runs where nothing is installed', async () => {
    const project = new Project({ 'package.json': { type: 'module' }, 'main.js': gitProgram });
    expect(await bundle(project.folder)).toEqual([]);

    const copy = join(bareFolder, name);
    cpSync(join(project.folder, 'bundle'), copy, { recursive: true });
    const outcome = run(process.execPath, ['main.mjs', repository.folder], copy);
    expect(told(outcome)).toMatch(/^(git\.commit\n){2}(git\.branch\.created\n)?exit status 0$/);
  });

  test('bundles a source some of whose peers are not installed, and the bundle says so where one is needed', async () => {
    const project = new Project({ 'package.json': { type: 'module' }, 'main.js': filesystemProgram });
    const warnings = await bundle(project.folder);
    expect(warnings.filter((warning) => !/yaml|saxes/.test(warning))).toEqual([]);

    const files = new Project({ 'files/a.csv': 'x\n1\n', 'files/b.yaml': 'x: 1\n' });
    for (const file of ['a.csv', 'b.yaml']) utimesSync(join(files.folder, 'files', file), new Date(0), new Date(0));
    const copy = join(bareFolder, `${name}-files`);
    cpSync(join(project.folder, 'bundle'), copy, { recursive: true });
    const outcome = run(process.execPath, ['main.mjs', join(files.folder, 'files')], copy);
    expect(told(outcome)).toBe('file.created\nfile.record\nfile.created\nMISSING_PEER\nexit status 0');
  });
});

async function bundleWithEsbuild(folder: string): Promise<string[]> {
  const { warnings } = await build({
    absWorkingDir: folder,
    entryPoints: ['main.js'],
    outfile: 'bundle/main.mjs',
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'silent',
    // Packages in CommonJS call `require` for Node's own modules; an ES module has none. docs/guide says so to hosts.
    banner: { js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);` },
  });
  return warnings.map((warning) => warning.text);
}

async function bundleWithRollup(folder: string): Promise<string[]> {
  const warnings: string[] = [];
  const built = await rollup({
    input: join(folder, 'main.js'),
    external: /^node:/,
    plugins: [nodeResolve({ rootDir: folder, exportConditions: ['node'], preferBuiltins: true }), commonjs()],
    onwarn: (warning) => {
      if (fromUs(warning.id ?? warning.ids?.join(' '))) warnings.push(warning.message);
    },
  });
  await built.write({ file: join(folder, 'bundle/main.mjs'), format: 'es', inlineDynamicImports: true });
  await built.close();
  return warnings;
}

function bundleWithWebpack(folder: string): Promise<string[]> {
  const compiler = webpack({
    context: folder,
    mode: 'production',
    entry: './main.js',
    target: 'node20',
    experiments: { outputModule: true },
    output: { path: join(folder, 'bundle'), filename: 'main.mjs', library: { type: 'module' } },
  });
  return new Promise((resolve, reject) => {
    compiler.run((failure, stats) => {
      const { errors = [], warnings = [] } = stats?.toJson({ all: false, errors: true, warnings: true }) ?? {};
      const problems = warnings.filter((warning) => fromUs(warning.moduleIdentifier)).concat(errors);
      compiler.close(() => (failure ? reject(failure) : resolve(problems.map((problem) => problem.message))));
    });
  });
}

/** Packages of others have warnings of their own, which no change here would cure. */
function fromUs(id: string | undefined): boolean {
  return id?.includes('node_modules/headwater/') ?? false;
}
