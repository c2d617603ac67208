import { type Logger, silentLogger } from '../../core/logger.js';
import type { Incoming } from './incoming.js';
import type { WebhookAnswer } from './provider.js';
import type { Note } from './receiver.js';

/**
 * One line for each request, without anything that may be a secret: no query, no header, nothing of the body. What was
 * taken is told as 'debug', what was refused as 'info', what the sender has to try again as 'warn'.
 */
export class AccessLog {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  write({ method, url }: Incoming, answer: WebhookAnswer | undefined, ms: number, note: Note): void {
    if (this.#logger === silentLogger) return;
    const line = { method, path: url.split('?')[0], status: answer?.status, ms, ...note };
    if (answer === undefined) this.#logger.info(line, 'webhook: the sender is gone');
    else if (answer.status >= 500) this.#logger.warn(line, `webhook: ${reasonOf(answer)}`);
    else if (answer.status >= 400) this.#logger.info(line, `webhook: ${reasonOf(answer)}`);
    else this.#logger.debug(line, 'webhook: taken');
  }
}

/** Why it was refused, where the answer is one of ours. */
function reasonOf({ body = '', status }: WebhookAnswer): string {
  try {
    const { error } = JSON.parse(body) as { error?: unknown };
    return typeof error === 'string' ? error : `answered with ${status}`;
  } catch {
    return `answered with ${status}`;
  }
}
