/** What a method answers when it does not do what it was asked: HTTP 200 with `ok: false`. */
export class SlackFailure extends Error {
  readonly error: string;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(error: string, fields: Readonly<Record<string, unknown>> = {}) {
    super(error);
    this.error = error;
    this.fields = fields;
  }
}
