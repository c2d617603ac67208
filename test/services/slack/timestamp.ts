/**
 * The `ts` of a message says a time in microseconds and is unique within its channel. Here it is a whole number of
 * microseconds, which JavaScript holds exactly; on the wire it is text with six digits after the point.
 */
export function formatTs(micros: number): string {
  return `${Math.floor(micros / 1_000_000)}.${String(micros % 1_000_000).padStart(6, '0')}`;
}

/** What Slack understands: whole seconds, or seconds with up to six digits after the point. */
export function parseTs(text: string): number | undefined {
  const match = /^(\d{1,12})(?:\.(\d{1,6}))?$/.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * 1_000_000 + Number((match[2] ?? '').padEnd(6, '0'));
}

/** As Slack itself prints it. Anything else has been through arithmetic or a number on its way. */
export function isExactTs(text: string): boolean {
  return /^\d{10}\.\d{6}$/.test(text);
}

export function microsOf(milliseconds: number): number {
  return Math.round(milliseconds * 1_000);
}
