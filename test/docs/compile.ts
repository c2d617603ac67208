import ts from 'typescript';
import { repositoryRoot } from '../../scripts/entries.js';
import { isTypeScript, type Page, readCodeBlocks } from './markdown.js';

/** As a host's project: strict, but without this repository's further rules. */
const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  moduleDetection: ts.ModuleDetectionKind.Force,
  types: ['node'],
  strict: true,
  skipLibCheck: true,
  noEmit: true,
};

/**
 * What the compiler says to the TypeScript blocks of some pages, as 'README.md:12: …'. All blocks are files of one
 * program, which exist in memory only. A block keeps its place: line 12 of the page is line 12 of its file.
 */
export function compilePages(pages: readonly Page[]): { blocks: number; problems: string[] } {
  const pathOf = new Map<string, string>();
  const codeOf = new Map<string, string>();
  for (const page of pages)
    for (const block of readCodeBlocks(page).filter(isTypeScript)) {
      const file = `${folderOf(page)}/${block.file ?? `line-${block.line}.ts`}`;
      if (codeOf.has(file)) throw new Error(`${page.path}:${block.line}: a second block is called ${block.file}.`);
      pathOf.set(file, page.path);
      const above = '\n'.repeat(block.line - 2) + block.prelude.replaceAll('\n', ' ');
      codeOf.set(file, `${above}\n${block.code}\n`);
    }
  const program = ts.createProgram([...codeOf.keys()], { ...OPTIONS, ...publicPaths() }, hostWith(codeOf));
  const problems = [...pathOf].flatMap(([file, path]) => {
    const source = program.getSourceFile(file);
    if (source === undefined) throw new Error(`${file} was not compiled.`);
    return ts.getPreEmitDiagnostics(program, source).map((diagnostic) => describe(path, source, diagnostic));
  });
  return { blocks: codeOf.size, problems };
}

/** Below the repository, so that packages are found. The folder does not exist. */
function folderOf({ path }: Page): string {
  return `${repositoryRoot}/.pages/${path}`;
}

/** The main tsconfig.json says what 'headwater/…' means. */
function publicPaths(): ts.CompilerOptions {
  const file = ts.readConfigFile(`${repositoryRoot}/tsconfig.json`, ts.sys.readFile);
  const { paths } = (file.config as { compilerOptions: { paths: ts.MapLike<string[]> } }).compilerOptions;
  return { paths, pathsBasePath: repositoryRoot };
}

function hostWith(codeOf: ReadonlyMap<string, string>): ts.CompilerHost {
  const host = ts.createCompilerHost(OPTIONS);
  return {
    ...host,
    getCurrentDirectory: () => repositoryRoot,
    fileExists: (file) => codeOf.has(file) || host.fileExists(file),
    // Without it the compiler does not look for a file in a folder that is not there.
    directoryExists: (folder) => folder.includes('/.pages') || ts.sys.directoryExists(folder),
    readFile: (file) => codeOf.get(file) ?? host.readFile(file),
    getSourceFile: (file, languageVersion, ...rest) => {
      const code = codeOf.get(file);
      if (code === undefined) return host.getSourceFile(file, languageVersion, ...rest);
      return ts.createSourceFile(file, code, languageVersion);
    },
  };
}

function describe(path: string, source: ts.SourceFile, { start, messageText, code }: ts.Diagnostic): string {
  const line = source.getLineAndCharacterOfPosition(start ?? 0).line + 1;
  return `${path}:${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')} (TS${code})`;
}
