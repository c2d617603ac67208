import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import ts from 'typescript';
import { repositoryRoot } from '../../scripts/entries.js';

/** Path from the repository's root ('src/core/event.ts') to the text of the file. */
export type Files = ReadonlyMap<string, string>;

export interface Import {
  /** As written: './event.js', 'zod', 'node:fs'. */
  readonly specifier: string;
  /** The file it means ('src/core/event.ts'), for a relative one. */
  readonly file: string | undefined;
  /** The package it means ('zod', '@octokit/rest'), for one that is neither relative nor of Node. */
  readonly packageName: string | undefined;
  /** Erased by the compiler. */
  readonly typeOnly: boolean;
}

/** The TypeScript files below a folder of the repository. */
export function readFiles(folder: string): Files {
  const paths = readdirSync(`${repositoryRoot}/${folder}`, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => `${folder}/${path}`)
    .sort();
  return new Map(paths.map((path) => [path, readFileSync(`${repositoryRoot}/${path}`, 'utf8')]));
}

/** Every import and re-export of a file, `import()` calls and `import('…')` types included. */
export function readImports(path: string, code: string): Import[] {
  const imports: Import[] = [];
  const add = (node: ts.Node | undefined, typeOnly: boolean): void => {
    if (node && ts.isStringLiteralLike(node)) imports.push(describeImport(path, node.text, typeOnly));
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeOnly(node));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true);
    else if (ts.isCallExpression(node) && isModuleCall(node.expression)) add(node.arguments[0], false);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, code, ts.ScriptTarget.Latest));
  return imports;
}

/** The files reached from one, over imports that are there at run time, with the path's own imports. */
export function importGraph(start: string, files: Files): Map<string, Import[]> {
  const graph = new Map<string, Import[]>();
  const waiting = [start];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (graph.has(path)) continue;
    const imports = readImports(path, files.get(path) ?? '').filter((one) => !one.typeOnly);
    graph.set(path, imports);
    for (const { file } of imports) if (file !== undefined) waiting.push(file);
  }
  return graph;
}

function isTypeOnly({ importClause }: ts.ImportDeclaration): boolean {
  return importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}

function isModuleCall(expression: ts.Expression): boolean {
  if (expression.kind === ts.SyntaxKind.ImportKeyword) return true;
  return ts.isIdentifier(expression) && expression.text === 'require';
}

function describeImport(path: string, specifier: string, typeOnly: boolean): Import {
  const relative = specifier.startsWith('.');
  const file = relative ? posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts') : undefined;
  const packageName = relative || specifier.startsWith('node:') ? undefined : packageOf(specifier);
  return { specifier, file, packageName, typeOnly };
}

function packageOf(specifier: string): string {
  const segments = specifier.split('/');
  return segments.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}
