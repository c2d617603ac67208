import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { repositoryRoot } from '../../scripts/entries.js';

/** A page of the documentation. */
export interface Page {
  /** From the root of the repository: 'docs/guide/custom-source.md'. */
  readonly path: string;
  readonly text: string;
}

/** A fenced block of code. */
export interface CodeBlock {
  /** 'ts', 'json'; empty where the fence names none. */
  readonly language: string;
  readonly code: string;
  /** Of the first line of the code, counted from 1. */
  readonly line: number;
  /** From `// file: NAME` in its first line: blocks of one page may import each other by it. */
  readonly file: string | undefined;
  /** From `<!-- prelude: … -->` before the block: declarations the reader need not see. */
  readonly prelude: string;
}

/** From `<!-- run: main.ts expect: "text" -->`: the file is run, and must print the text. */
export interface RunInstruction {
  readonly file: string;
  readonly expected: string;
  readonly line: number;
}

/** README and the like, docs (but the generated docs/api), and the page of every source. */
export function readPages(): Page[] {
  const below = (folder: string, wanted: (path: string) => boolean): string[] => {
    if (!existsSync(`${repositoryRoot}/${folder}`)) return [];
    return readdirSync(`${repositoryRoot}/${folder}`, { recursive: true, encoding: 'utf8' })
      .map((path) => `${folder}/${path}`)
      .filter(wanted);
  };
  const paths = [
    ...readdirSync(repositoryRoot).filter((name) => name.endsWith('.md')),
    ...below('docs', (path) => path.endsWith('.md') && !path.startsWith('docs/api/')),
    ...below('src', (path) => path.endsWith('/README.md')),
    ...below('examples', (path) => path.endsWith('.md')),
  ];
  return paths.sort().map((path) => ({ path, text: readFileSync(`${repositoryRoot}/${path}`, 'utf8') }));
}

export function readCodeBlocks({ path, text }: Page): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  const lines = text.split('\n');
  for (let index = 0; index < lines.length; index++) {
    const fence = /^(\s*)(`{3,}|~{3,})\s*([\w-]*)/.exec(lines[index] ?? '');
    if (fence === null) continue;
    const [, indent = '', marks = '', language = ''] = fence;
    const end = lines.findIndex((line, at) => at > index && line.trim() === marks);
    if (end === -1) throw new Error(`${path}:${index + 1}: this code block does not end.`);
    const code = lines
      .slice(index + 1, end)
      .map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line));
    const file = /^\/\/ file: (\S+)/.exec(code[0] ?? '')?.[1];
    blocks.push({ language, code: code.join('\n'), line: index + 2, file, prelude: preludeBefore(lines, index) });
    index = end;
  }
  return blocks;
}

export function isTypeScript({ language }: CodeBlock): boolean {
  return language === 'ts' || language === 'typescript';
}

export function readRunInstructions({ text }: Page): RunInstruction[] {
  return text.split('\n').flatMap((line, index) => {
    const match = /<!--\s*run:\s*(\S+)\s+expect:\s*"(.*)"\s*-->/.exec(line);
    return match ? [{ file: match[1] ?? '', expected: match[2] ?? '', line: index + 1 }] : [];
  });
}

/** The text of a comment that ends on the last line before the fence that is not empty. */
function preludeBefore(lines: readonly string[], fence: number): string {
  const before = lines.slice(0, fence).join('\n').trimEnd();
  if (!before.endsWith('-->')) return '';
  const comment = before.slice(before.lastIndexOf('<!--'));
  return /^<!--\s*prelude:([\s\S]*)-->$/.exec(comment)?.[1]?.trim() ?? '';
}
