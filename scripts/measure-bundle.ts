import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { repositoryRoot } from './entries.js';

/** What `import 'headwater'` costs a host that bundles: everything it needs, minified and gzipped. */
export interface BundleMeasure {
  readonly bytes: number;
  /** npm packages found in it. */
  readonly packages: readonly string[];
}

export const BUNDLE_LIMIT_BYTES = 30_000;

/** Small helpers of the pipeline. Anything else in the bundle is a vendor package that belongs to a source. */
const ALLOWED_PACKAGES = new Set(['p-retry', 'is-network-error', 'picomatch']);

/** Bundles `dist/index.js`, so it needs a build. */
export async function measureBundle(): Promise<BundleMeasure> {
  const result = await build({
    absWorkingDir: repositoryRoot,
    entryPoints: ['dist/index.js'],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    metafile: true,
    write: false,
    outdir: 'unused',
    logLevel: 'silent',
  });
  const code = Buffer.concat(result.outputFiles.map((file) => file.contents));
  return { bytes: gzipSync(code, { level: 9 }).length, packages: packagesOf(Object.keys(result.metafile.inputs)) };
}

/** What is wrong with a bundle, one sentence each. */
export function bundleProblems({ bytes, packages }: BundleMeasure): string[] {
  const problems = packages
    .filter((name) => !ALLOWED_PACKAGES.has(name))
    .map((name) => `'headwater' pulls in the package ${name}, which belongs to a source.`);
  if (bytes > BUNDLE_LIMIT_BYTES)
    problems.push(`'headwater' is ${bytes} bytes gzipped; the limit is ${BUNDLE_LIMIT_BYTES}.`);
  return problems;
}

function packagesOf(inputs: readonly string[]): string[] {
  const names = inputs.flatMap((input) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? []);
  return [...new Set(names)].sort();
}
