import { SkippableError } from '../../core/errors.js';

/** @throws SkippableError 'NOT_JSON' when the value has no JSON form; `subject` says whose it is. */
export function toJsonData(value: unknown, subject: string): string {
  let cause: unknown;
  try {
    const text: string | undefined = JSON.stringify(value ?? null);
    if (text !== undefined) return text;
  } catch (error) {
    cause = error;
  }
  throw new SkippableError(`${subject} cannot be written as JSON (it is of type ${typeof value})`, {
    code: 'NOT_JSON',
    cause,
  });
}
