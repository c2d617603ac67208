import { randomBytes } from 'node:crypto';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { parseConfig } from '../../core/config.js';
import { RetryableError, SkippableError } from '../../core/errors.js';
import { nearest } from '../../core/nearest.js';
import { PushEventSource } from '../../core/push-event-source.js';
import type { PushLimits } from '../../core/push-queue.js';
import type { SourceOptions, ValidationResult } from '../../core/source-definition.js';
import { jsonProblem } from '../../toolkit/json-problem.js';
import { type ManualConfig, type ManualConfigInput, manualConfig } from './config.js';
import type { EventSchemas, ManualInput, PushedEvent } from './events.js';
import { InvalidEventError } from './invalid-event.js';

/**
 * A source that the host pushes events into: typed, checked by a schema for each type, bounded.
 *
 * @example
 * const source = await ManualSource.create({
 *   id: 'orders',
 *   config: { events: { 'order.placed': z.object({ order: z.string(), total: z.number() }) } },
 * });
 * await source.push({ type: 'order.placed', id: 'order-7', data: { order: '7', total: 12.5 } }); // acknowledged
 */
export class ManualSource<Schemas extends EventSchemas = EventSchemas> extends PushEventSource<
  PushedEvent<Schemas>,
  ManualConfig<Schemas>
> {
  static readonly definition = {
    type: 'manual',
    config: manualConfig,
    capabilities: {
      kind: 'push',
      delivery: 'at-least-once',
      position: 'none',
      ids: 'per-receipt',
      deletes: false,
      notes: [
        'Events wait in memory: what was pushed and is not acknowledged when the process ends is the host’s to push again.',
        'Ids are the host’s where it gives them; others are one per receipt.',
      ],
    },
    events: {},
  } as const;

  /** @throws ConfigError with everything that is wrong with the configuration. */
  static async create<const Schemas extends EventSchemas>(
    options: SourceOptions<ManualConfigInput<Schemas>, undefined, undefined>,
  ): Promise<ManualSource<Schemas>> {
    const config = (await parseConfig(manualConfig, options)) as ManualConfig<Schemas>;
    return new ManualSource<Schemas>({ ...options, config });
  }

  readonly type = 'manual';
  protected override readonly limits: PushLimits;
  /** Tells the receipts of this source from those of any other, also of the same name. */
  readonly #boot = randomBytes(8).toString('hex');
  #sequence = 0;
  /** Pushes whose schema takes its time, and those behind them. */
  #checking = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: SourceOptions<ManualConfig<Schemas>>) {
    super(options);
    const { maxEvents, maxBytes, maxWaiting, whenFull } = this.config;
    this.limits = { maxEvents, maxBytes, maxWaiting, whenFull };
  }

  /** How many events were taken so far: the number of the last, which ends its id unless the host gave one. */
  get sequence(): number {
    return this.#sequence;
  }

  /**
   * Resolves when the consumer has acknowledged the event. Events are handed out in the order in which they were pushed.
   * It need not be awaited: nothing is thrown at the process when nobody does.
   *
   * @param options.signal fires when the event is no longer wanted: if it was not handed out, it is withdrawn
   * @throws InvalidEventError (EVENT_INVALID) with everything that the schema finds wrong; SkippableError
   *   (EVENT_TYPE_UNKNOWN) for a type that is not configured; RetryableError: QUEUE_FULL, SOURCE_CLOSED when the source is
   *   closed or was closed before the event was handed out; `signal.reason`
   */
  override push(event: ManualInput<Schemas>, options: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    const acknowledged = this.#push(event, options.signal);
    acknowledged.catch(() => {});
    return acknowledged;
  }

  /** Nothing can be wrong with it that `create` has not told. */
  async validate(): Promise<ValidationResult> {
    return { ok: true, problems: [] };
  }

  #push(input: ManualInput<Schemas>, signal: AbortSignal | undefined): Promise<void> {
    try {
      const result = this.#schemaOf(input.type)['~standard'].validate(input.data);
      if (!(result instanceof Promise) && this.#checking === 0) return this.#take(input, result, signal);
      return this.#takeInTurn(input, result, signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Behind those that were pushed before, whichever is checked first. */
  async #takeInTurn(
    input: ManualInput<Schemas>,
    result: StandardSchemaV1.Result<unknown> | Promise<StandardSchemaV1.Result<unknown>>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (this.#checking >= this.config.maxWaiting) {
      await Promise.resolve(result).catch(() => {});
      throw this.#full();
    }
    this.#checking += 1;
    const taken = this.#turn.then(async () => {
      try {
        const checked = await result;
        return { acknowledged: this.#take(input, checked, signal) };
      } finally {
        this.#checking -= 1;
      }
    });
    this.#turn = taken.catch(() => {});
    await (await taken).acknowledged;
  }

  #take(
    { type, id, time, subject }: ManualInput<Schemas>,
    result: StandardSchemaV1.Result<unknown>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (result.issues !== undefined) throw new InvalidEventError(this.id, type, result.issues.map(toProblem));
    const problem = jsonProblem(result.value, 'data');
    if (problem !== undefined) throw new InvalidEventError(this.id, type, [{ path: 'data', message: problem }]);
    this.#sequence += 1;
    const fields = { type, id: id ?? `${this.#boot}-${this.#sequence}`, time, subject, data: result.value };
    // The schema is what makes the data what the type says.
    return super.push(this.event(fields as never) as PushedEvent<Schemas>, { signal });
  }

  #schemaOf(type: string): StandardSchemaV1 {
    const { events } = this.config;
    const schema = Object.hasOwn(events, type) ? events[type] : undefined;
    if (schema !== undefined) return schema;
    const meant = nearest(type, Object.keys(events));
    const fix = meant === undefined ? `known types: ${Object.keys(events).join(', ')}` : `did you mean "${meant}"?`;
    throw new SkippableError(`source "${this.id}" takes no events of type "${type}" (${fix})`, {
      code: 'EVENT_TYPE_UNKNOWN',
      sourceId: this.id,
    });
  }

  #full(): RetryableError {
    return new RetryableError(`source "${this.id}" did not take an event: ${this.#checking} are being checked`, {
      code: 'QUEUE_FULL',
      sourceId: this.id,
    });
  }
}

function toProblem({ path = [], message }: StandardSchemaV1.Issue): { path: string; message: string } {
  const parts = path.map((part) => String(typeof part === 'object' ? part.key : part));
  return { path: ['data', ...parts].join('.'), message };
}
