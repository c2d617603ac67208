import { ConfigError, FatalError } from './errors.js';
import type { BatchOptions } from './read-options.js';
import type { Problem } from './source-definition.js';
import type { SourceRuntime } from './source-runtime.js';

/**
 * @throws ConfigError (INVALID_OPTION) naming every option that makes no sense: with them an iteration would end at
 *   once, or never.
 */
export function checkReadOptions({ capabilities, id }: SourceRuntime, options: BatchOptions): void {
  const { limit, maxEvents, maxBytes, maxWaitMs, until } = options;
  const problems = [
    ...problem(!(limit === undefined || limit >= 0), `limit: ${limit} is not a number from 0`),
    ...problem(!(maxEvents === undefined || maxEvents >= 1), `maxEvents: ${maxEvents} is not a number from 1`),
    ...problem(!(maxBytes === undefined || maxBytes >= 1), `maxBytes: ${maxBytes} is not a number from 1`),
    ...problem(!(maxWaitMs === undefined || maxWaitMs >= 0), `maxWaitMs: ${maxWaitMs} is not a number from 0`),
    ...problem(until !== undefined && Number.isNaN(until.getTime()), 'until is not a valid date'),
  ];
  if (problems.length > 0) throw new ConfigError(problems, { code: 'INVALID_OPTION', sourceId: id });
  if (options.acknowledge !== false || capabilities.kind !== 'push') return;
  throw new FatalError(
    `source "${id}" receives events and cannot be looked at without acknowledging: leave out acknowledge: false`,
    { code: 'ACKNOWLEDGE_REQUIRED', sourceId: id },
  );
}

function problem(isWrong: boolean, message: string): Problem[] {
  return isWrong ? [{ severity: 'error', code: 'INVALID_OPTION', message }] : [];
}
