import { LogSource } from 'headwater/sources/logs/log';
import type { SourceHarness } from 'headwater/testing';
import { LogDirectory, logHarness, withoutSecrets } from '../log-directory.js';

const LINES = ['plain', '', '{"level":30,"msg":"json","time":1767323045000}', '2026-01-02T03:04:05Z WARN text'];

export const harness: SourceHarness<LogDirectory> = {
  ...logHarness,
  source: LogSource,
  open: async () =>
    new LogDirectory({
      // The last line has no end, but nobody wrote to the file for so long that none is waited for.
      files: { 'a.log': `${LINES.join('\n')}\nüñí\r\n`, 'b.log': 'level=info msg=logfmt\nplain\nsame\nsame\nlast' },
      events: 10,
      config: { format: 'auto' },
      line: (index) => `line ${index}`,
    }),
  skip: [...(logHarness.skip ?? []), ...withoutSecrets],
};
