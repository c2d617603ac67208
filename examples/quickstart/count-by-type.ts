import { createReadStream, existsSync } from 'node:fs';
import type { SourceEvent } from 'headwater';

/**
 * How many events of each type a JSONL file holds, by distinct id: after a SIGKILL the last batch may be there twice,
 * with the same ids.
 */
export async function countByType(path: string): Promise<{ byType: Map<string, number>; repeated: number }> {
  const byType = new Map<string, number>();
  const seen = new Set<string>();
  let repeated = 0;
  for await (const line of wholeLines(path)) {
    const { source, id, type } = JSON.parse(line) as SourceEvent;
    const key = `${source} ${id}`;
    if (seen.has(key)) repeated += 1;
    else byType.set(type, (byType.get(type) ?? 0) + 1);
    seen.add(key);
  }
  return { byType: new Map([...byType].sort(([one], [other]) => (one < other ? -1 : 1))), repeated };
}

/** A last line without its line feed was torn by a kill: the sink cuts it off when it writes next, and it comes again. */
async function* wholeLines(path: string): AsyncGenerator<string> {
  if (!existsSync(path)) return;
  let rest = '';
  for await (const text of createReadStream(path, 'utf8')) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}
