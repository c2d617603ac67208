import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

/** Keeps the result of a full run of a group for readers. */
export function record(group: string, lines: readonly string[], seed: number): void {
  const page = new URL('../../docs/reliability.md', import.meta.url);
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const date = new Date().toISOString().slice(0, 10);
  const heading = `\`${group}\`, ${date}, commit ${commit}, Node ${process.versions.node}, seed ${seed}:`;
  const result = [heading, '', ...lines.map((line) => `- ${line}`)].join('\n');
  const between = new RegExp(`(<!-- result ${group} -->\n)[\\s\\S]*?(<!-- end ${group} -->)`);
  const text = readFileSync(page, 'utf8');
  if (!between.test(text)) throw new Error(`docs/reliability.md has no place for the result of ${group}`);
  writeFileSync(
    page,
    text.replace(between, (_, start: string, stop: string) => `${start}\n${result}\n\n${stop}`),
  );
}
