import { ApiLogSource } from 'headwater/sources/logs/api-log';
import type { SourceHarness } from 'headwater/testing';
import { LogDirectory, logHarness } from '../log-directory.js';

/** In queries, in a referer, in user info, and in lines that are no requests. */
const SECRET = 'hush-7c1f0e';

function requestLine(request: string, referer = '-'): string {
  return `::1 - - [02/Jan/2026:03:04:05 +0000] "${request} HTTP/1.1" 200 5 "${referer}" "curl/8"`;
}

const FIRST = [
  requestLine('GET /a?b=c'),
  requestLine(`GET /a?token=${SECRET}`),
  requestLine('POST /d', `https://user:${SECRET}@example.com/?api_key=${SECRET}`),
  `Authorization: Bearer ${SECRET}`,
];
const SECOND = [requestLine('GET /filtered'), requestLine('GET /e'), requestLine('GET /e'), `password=${SECRET}`];

export const harness: SourceHarness<LogDirectory> = {
  ...logHarness,
  source: ApiLogSource,
  secrets: [SECRET],
  open: async () =>
    new LogDirectory({
      files: { 'a.log': `${FIRST.join('\n')}\n`, 'b.log': `${SECOND.join('\n')}\n` },
      events: 7,
      config: { filter: { endpoint: ['/?', '/flood/*'] } },
      line: (index) => requestLine(`GET /flood/${index}`),
    }),
};
