import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Bench, Information, Row } from './measure.js';

/** A bench and where it is; each runs in a process of its own, so that none is measured in the leavings of another. */
const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  delivery: async () => (await import('./delivery.js')).delivery,
  git: async () => (await import('./git.js')).git,
  github: async () => (await import('./github.js')).github,
  jsonl: async () => (await import('./jsonl.js')).jsonl,
  cursor: async () => (await import('./cursor.js')).cursor,
  scan: async () => (await import('./scan.js')).scan,
  csv: async () => (await import('./csv.js')).csv,
  'api-log': async () => (await import('./api-log.js')).apiLog,
  lines: async () => (await import('./lines.js')).lines,
  database: async () => (await import('./database.js')).database,
  'database-replication': async () => (await import('./database-replication.js')).databaseReplication,
  prometheus: async () => (await import('./prometheus.js')).prometheus,
  kafka: async () => (await import('./kafka.js')).kafka,
  rabbitmq: async () => (await import('./rabbitmq.js')).rabbitmq,
  redis: async () => (await import('./redis.js')).redis,
  rest: async () => (await import('./rest.js')).rest,
  slack: async () => (await import('./slack.js')).slack,
  spool: async () => (await import('./spool.js')).spool,
  statsd: async () => (await import('./statsd.js')).statsd,
  sqlite: async () => (await import('./sqlite.js')).sqlite,
  'module-monitor': async () => (await import('./module-monitor.js')).moduleMonitor,
  postgres: async () => (await import('./postgres.js')).postgres,
  heap: async () => (await import('./heap.js')).heap,
  webhook: async () => (await import('./webhook.js')).webhook,
  bundle: async () => (await import('./bundle.js')).bundle,
};

const CHILD = 'HEADWATER_BENCH';

async function main(): Promise<void> {
  const child = process.env[CHILD];
  if (child !== undefined) return runHere(child);
  const names = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
  const asJson = process.argv.includes('--json');
  const unknown = names.filter((name) => benches[name] === undefined);
  if (unknown.length > 0) {
    console.error(`no bench named ${unknown.join(', ')}; there are: ${Object.keys(benches).join(', ')}`);
    process.exitCode = 1;
    return;
  }
  const rows: Row[] = [];
  for (const name of names.length > 0 ? names : Object.keys(benches)) {
    for await (const result of runInChild(name)) {
      if ('information' in result) console.error(`  ${result.bench}: ${result.information}`);
      else rows.push(result);
      if (!('information' in result) && !asJson) console.log(describe(result));
      else if (!('information' in result)) console.error(describe(result));
    }
  }
  if (asJson) console.log(JSON.stringify(rows, undefined, 2));
}

function describe({ bench, row, ours, rival, ratio, goal, met }: Row): string {
  const verdict = met ? 'met' : 'NOT MET';
  return `${bench.padEnd(9)} ${row.padEnd(58)} ${String(ours).padStart(10)} ${String(rival).padStart(10)}  ratio ${String(ratio).padStart(6)}  goal ${goal}  ${verdict}`;
}

/** Prints a line of JSON for each result; the parent reads them. */
async function runHere(name: string): Promise<void> {
  const bench = await benches[name]?.();
  if (bench === undefined) throw new Error(`no bench named ${name}`);
  for await (const result of bench.rows()) process.stdout.write(`${JSON.stringify(result)}\n`);
}

async function* runInChild(name: string): AsyncGenerator<Row | Information> {
  const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url)], {
    env: { ...process.env, [CHILD]: name },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<number | null>((resolve) => child.on('close', resolve));
  let rest = '';
  for await (const text of child.stdout.setEncoding('utf8')) {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as Row | Information;
  }
  const status = await exited;
  if (status !== 0) throw new Error(`bench ${name} ended with exit status ${status}`);
}

await main();
