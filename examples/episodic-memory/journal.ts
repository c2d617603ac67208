import { statSync } from 'node:fs';
import { EventSource, parseConfig, type ReadContext, type SourceEvent, type SourceOptions } from 'headwater';
import { readLines } from 'headwater/toolkit';
import * as z from 'zod';

const config = z.strictObject({ file: z.string().min(1) });

type JournalCursor = { offset: number };
export type JournalEvent = SourceEvent<'journal.note', { session: string; text: string }>;

/** The agent's own notes, a line each: a source that this application adds to those that come with the library. */
export class JournalSource extends EventSource<JournalEvent, JournalCursor, z.output<typeof config>> {
  static readonly definition = {
    type: 'journal',
    config,
    capabilities: { kind: 'pull', delivery: 'at-least-once', position: 'cursor', ids: 'stable', deletes: false },
    events: { 'journal.note': { description: 'The agent wrote something down.' } },
  } as const;

  static async create(options: SourceOptions<z.input<typeof config>, undefined, JournalCursor>) {
    return new JournalSource({ ...options, config: await parseConfig(config, options) });
  }

  readonly type = 'journal';

  async validate() {
    const isThere = statSync(this.config.file, { throwIfNoEntry: false })?.isFile() === true;
    const message = `${this.config.file} is no file: has the agent written anything down yet?`;
    return { ok: isThere, problems: isThere ? [] : [{ severity: 'error' as const, code: 'JOURNAL', message }] };
  }

  protected async *read({ cursor, signal }: ReadContext<JournalCursor>) {
    const from = cursor?.offset ?? 0;
    for await (const lines of readLines(this.config.file, { from, lastLine: 'hold', signal })) {
      for (const { text, start, end } of lines) {
        const { time, session, note } = JSON.parse(text) as { time: string; session: string; note: string };
        yield this.event(
          { type: 'journal.note', id: `${start}`, time, data: { session, text: note } },
          { offset: end },
        );
      }
    }
  }
}
