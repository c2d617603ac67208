import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { repositoryRoot } from '../../scripts/entries.js';
import { type Files, readFiles } from '../architecture/source-files.js';

const PAGE = 'docs/guide/errors.md';

const page = readFileSync(`${repositoryRoot}/${PAGE}`, 'utf8');

test(`${PAGE} lists the codes that there are, and no others`, () => {
  expect(listedCodes(page)).toEqual(codesIn(readFiles('src')));
});

test(`${PAGE} lists every class of error`, () => {
  const code = readFileSync(`${repositoryRoot}/src/core/errors.ts`, 'utf8');
  const classes = [...code.matchAll(/^export class (\w+)/gm)].map(([, name]) => name ?? '');
  expect(classes).toContain('HeadwaterError');
  expect(classes.filter((name) => !page.includes(`| \`${name}\` |`))).toEqual([]);
});

test('finds a code wherever one is written', () => {
  const code = `
    class AError { static override readonly defaultCode: string = 'OF_A_CLASS'; }
    throw new AError(message, { code: 'IN_OPTIONS', cause });
    throw new AError(message, { code: reason === 'ENOSPC' ? 'IF_FULL' : 'IF_NOT' });
    problems.push(['IN_A_TUPLE', message]);
    refuse('two words', 'AS_ARGUMENT');
    const CODES = { ENOSPC: 'OF_A_TABLE' };
    if (error.code === 'COMPARED' || names.has('EPERM')) git.run(['rev-parse', 'HEAD'], { input: 'TEXT' });
  `;
  expect(codesIn(new Map([['src/a.ts', code]]))).toEqual(
    ['AS_ARGUMENT', 'IF_FULL', 'IF_NOT', 'IN_A_TUPLE', 'IN_OPTIONS', 'OF_A_CLASS', 'OF_A_TABLE'].sort(),
  );
});

/** The first column of the tables. */
function listedCodes(markdown: string): string[] {
  const codes = [...markdown.matchAll(/^\| `([A-Z][A-Z0-9_]*)`/gm)].map(([, code]) => code ?? '');
  return [...codes].sort();
}

function codesIn(files: Files): string[] {
  const codes = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) && isCode(node)) codes.add(node.text);
    ts.forEachChild(node, visit);
  };
  for (const [path, code] of files) visit(ts.createSourceFile(path, code, ts.ScriptTarget.Latest, true));
  return [...codes].sort();
}

/** Names of errors and signals of the operating system, git's name for what is checked out, a method of HTTP. */
const OF_OTHERS = /^(E[A-Z0-9]+|ERR_\w+|SIG[A-Z0-9]+|HEAD|GET)$/;

/** Commands of Redis, and the words of their arguments. */
const OF_REDIS =
  /^(X[A-Z]+|B?LMOVE|LREM|LRANGE|LLEN|PING|COUNT|BLOCK|STREAMS?|GROUPS?|CREATE|MKSTREAM|IDLE|JUSTID|LEFT|RIGHT)$/;

function isCode(literal: ts.StringLiteral): boolean {
  if (!/^[A-Z][A-Z0-9]+(_[A-Z0-9]+)*$/.test(literal.text) || OF_OTHERS.test(literal.text)) return false;
  if (OF_REDIS.test(literal.text) && literal.getSourceFile().fileName.includes('/streams/redis/')) return false;
  return isArgument(literal) || isValueOf(literal, literal.parent);
}

/** `refuse('…', 'A_CODE')`, `problems.push(['A_CODE', '…'])` */
function isArgument(literal: ts.StringLiteral): boolean {
  const { parent } = literal;
  if (ts.isCallExpression(parent)) return true;
  return ts.isArrayLiteralExpression(parent) && parent.elements[0] === literal && ts.isCallExpression(parent.parent);
}

/** `code: 'A_CODE'`, also within a condition; `defaultCode = 'A_CODE'`; a member of an object called CODES. */
function isValueOf(inner: ts.Node, outer: ts.Node): boolean {
  if (ts.isPropertyDeclaration(outer)) return outer.name.getText() === 'defaultCode';
  if (ts.isPropertyAssignment(outer)) return outer.name.getText() === 'code' || isTable(outer.parent.parent);
  if (ts.isConditionalExpression(outer)) return inner !== outer.condition && isValueOf(outer, outer.parent);
  if (ts.isBinaryExpression(outer)) {
    return outer.operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken && isValueOf(outer, outer.parent);
  }
  return ts.isParenthesizedExpression(outer) && isValueOf(outer, outer.parent);
}

function isTable(node: ts.Node): boolean {
  return ts.isVariableDeclaration(node) && /CODES$/.test(node.name.getText());
}
