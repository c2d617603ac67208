import { ConfigError, HeadwaterError } from '../core/errors.js';
import type { Problem, ValidationResult } from '../core/source-definition.js';

/**
 * What `validate()` answers: the problems that were found, or the one that kept from finding any.
 *
 * @throws what is none of our errors, and `signal.reason` when the signal fires
 */
export async function validation(
  signal: AbortSignal,
  findProblems: () => Promise<readonly Problem[]>,
): Promise<ValidationResult> {
  try {
    const problems = await findProblems();
    return { ok: problems.every(({ severity }) => severity !== 'error'), problems };
  } catch (error) {
    signal.throwIfAborted();
    if (ConfigError.isInstance(error)) return { ok: false, problems: error.problems };
    if (!HeadwaterError.isInstance(error)) throw error;
    return { ok: false, problems: [{ severity: 'error', code: error.code, message: error.message }] };
  }
}
