/** Least severe first: the eight of syslog, and `trace`. */
export type Level = 'trace' | 'debug' | 'info' | 'notice' | 'warn' | 'error' | 'critical' | 'alert' | 'emergency';

const NAMES: Readonly<Record<Level, string>> = {
  trace: 'trace trc verbose vrb silly finest finer all',
  debug: 'debug dbg fine d',
  info: 'info inf information informational config http i',
  notice: 'notice',
  warn: 'warn warning wrn w',
  error: 'error err severe e',
  critical: 'critical crit fatal ftl panic dpanic c f',
  alert: 'alert',
  emergency: 'emergency emerg',
};

const BY_NAME = new Map<string, Level>(
  (Object.keys(NAMES) as Level[]).flatMap((level) => NAMES[level].split(' ').map((name) => [name, level] as const)),
);
const LONGEST_NAME = 16;

/** https://datatracker.ietf.org/doc/html/rfc5424#section-6.2.1 */
const BY_SEVERITY: readonly Level[] = ['emergency', 'alert', 'critical', 'error', 'warn', 'notice', 'info', 'debug'];
/** Of pino and bunyan: 10, 20 … 60. A level of one's own between two of them counts as the lower. */
const BY_TENS: readonly (Level | undefined)[] = [undefined, 'trace', 'debug', 'info', 'warn', 'error', 'critical'];

/**
 * The level that a name or a number stands for; undefined where it is none that is commonly used. Numbers from 10 are
 * those of pino and bunyan, below they are severities of syslog, which GELF uses too.
 */
export function readLevel(value: unknown): Level | undefined {
  if (typeof value === 'string') return BY_NAME.get(value) ?? readName(value);
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) return undefined;
  return value < 10 ? BY_SEVERITY[value] : BY_TENS[Math.floor(value / 10)];
}

function readName(name: string): Level | undefined {
  if (name.length > LONGEST_NAME) return undefined;
  return BY_NAME.get(name.trim().toLowerCase()) ?? (/^\d{1,2}$/.test(name) ? readLevel(Number(name)) : undefined);
}
