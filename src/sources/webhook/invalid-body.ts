import { SkippableError } from '../../core/errors.js';

export interface BodyProblem {
  /** Where in the body: `modules.3.version`; empty for the body itself. */
  readonly path: string;
  readonly message: string;
}

/** A body that can be read and is not what is expected: answered with 422 and the list of problems. */
export class InvalidBodyError extends SkippableError {
  static override readonly kind: string = 'InvalidBodyError';
  static override readonly defaultCode: string = 'WEBHOOK_BODY_INVALID';
  readonly problems: readonly BodyProblem[];

  constructor(problems: readonly BodyProblem[]) {
    const list = problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
    super(`the body is not what is expected: ${list.join('; ')}`);
    this.problems = problems;
  }
}
