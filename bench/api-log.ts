import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { apiLogSource } from './built.js';
import { type Bench, paired } from './measure.js';

const LINES = 300_000;
/** As it is found in answers to "how to parse an access log". */
const OBVIOUS = /^(\S+) (\S+) (\S+) \[([^\]]+)\] "(\S+) (\S+) (\S+)" (\d{3}) (\d+|-) "([^"]*)" "([^"]*)"/;

/** A combined access log to requests: as events, secrets taken out, beside readline and a regular expression. */
export const apiLog: Bench = {
  name: 'api-log',
  async *rows() {
    const dir = mkdtempSync(join(tmpdir(), 'headwater-bench-api-log-'));
    try {
      const file = join(dir, 'access.log');
      writeFileSync(file, Array.from({ length: LINES }, accessLine).join(''));
      const pair = { bench: 'api-log', rival: () => withReadline(file) };
      yield await paired({ ...pair, row: 'combined log to http.request', goal: 1, ours: () => read(dir, {}) });
      const filter = { status: '5xx', endpoint: '/api/**' };
      yield await paired({ ...pair, row: 'the same, 1 % of it by filter', goal: 1, ours: () => read(dir, { filter }) });
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
};

async function read(dir: string, config: object): Promise<void> {
  const { ApiLogSource } = await apiLogSource();
  const source = await ApiLogSource.create({ id: 'bench', config: { files: 'access.log', dir, ...config } });
  let requests = 0;
  for await (const event of source.generateEvents()) if (event.type === 'http.request') requests += 1;
  const { filtered = 0 } = source.getStats().dropped;
  check(requests + filtered);
}

async function withReadline(file: string): Promise<void> {
  let requests = 0;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    const request = parse(line);
    if (request !== undefined && request.status > 0) requests += 1;
  }
  check(requests);
}

function parse(line: string) {
  const match = OBVIOUS.exec(line);
  if (match === null) return undefined;
  const [, clientAddress, , user, time, method, target = '', protocol, status, bytes, referer, userAgent] = match;
  const [path, query] = target.split('?');
  return {
    ...{ clientAddress, user, time, method, path, query, protocol },
    ...{ status: Number(status), bytes: Number(bytes), referer, userAgent },
  };
}

function check(requests: number): void {
  if (requests !== LINES) throw new Error(`${requests} requests of ${LINES} lines`);
}

/** Ten requests in each second, one in ten with a token; one in a hundred fails. */
function accessLine(_: unknown, index: number): string {
  const second = Math.floor(index / 10);
  const two = (value: number) => String(value % 60).padStart(2, '0');
  const time = `10/Oct/2024:${two(Math.floor(second / 3_600) % 24)}:${two(Math.floor(second / 60))}:${two(second)} +0000`;
  const query =
    index % 10 === 0 ? `?page=${index % 7}&token=abcdef${index}` : index % 3 === 0 ? `?page=${index % 7}` : '';
  const status = index % 100 === 0 ? 503 : 200;
  return (
    `10.0.${index % 256}.${index % 7} - - [${time}] "GET /api/users/${index % 5_000}${query} HTTP/1.1" ${status} ` +
    `${(index * 13) % 90_000} "https://example.com/users" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 ` +
    `(KHTML, like Gecko) Chrome/12${index % 9}.0.0.0 Safari/537.36"\n`
  );
}
