import type { Logger } from 'headwater';

/** A line each, without the details of every request. A real application would use pino or the like. */
export const consoleLogger: Logger = {
  debug: () => {},
  info: (about, message) => console.log(line(about, message)),
  warn: (about, message) => console.warn(line(about, message)),
  error: (about, message) => console.error(line(about, message)),
};

function line(about: object, message = ''): string {
  const details = JSON.stringify(about, (_key, value: unknown) => (value instanceof Error ? value.message : value));
  return `${message}: ${details}`;
}
