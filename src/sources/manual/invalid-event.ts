import { SkippableError } from '../../core/errors.js';

export interface EventProblem {
  /** Where in the event: `data.items.3.price`. */
  readonly path: string;
  readonly message: string;
}

/** What was pushed is not what the schema of its type asks for: nothing of it was taken. */
export class InvalidEventError extends SkippableError {
  static override readonly kind: string = 'InvalidEventError';
  static override readonly defaultCode: string = 'EVENT_INVALID';
  readonly problems: readonly EventProblem[];

  constructor(sourceId: string, type: string, problems: readonly EventProblem[]) {
    const list = problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
    super(`source "${sourceId}" did not take an event of type "${type}": ${list}`, { sourceId });
    this.problems = problems;
  }
}
