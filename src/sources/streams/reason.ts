import { redactText } from '../../core/secret.js';
import { messageOf } from '../../core/thrown.js';

const MOST_CHARACTERS = 1_000;

/** What an error says, for a header beside a message that is put away: without credentials, and not too long. */
export function reasonOf(error: unknown): string {
  return redactText(messageOf(error)).slice(0, MOST_CHARACTERS);
}
