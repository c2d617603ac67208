import type { Logger } from 'headwater';

/** What went wrong, a line each, without the access log. A real application would use pino or the like. */
export const consoleLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: (about, message) => console.warn(`${message}: ${tell(about)}`),
  error: (about, message) => console.error(`${message}: ${tell(about)}`),
};

function tell(about: object): string {
  return JSON.stringify(about, (_key, value: unknown) => (value instanceof Error ? value.message : value));
}
