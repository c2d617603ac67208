/** The part of JSON Schema that GitHub's OpenAPI description uses. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly nullable?: boolean;
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

/** The first thing that is wrong, as `.path: what`; `undefined` if nothing is. */
export type Check = (value: unknown) => string | undefined;

const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/**
 * Turns schemas into checks, each once. Stricter than JSON Schema in one point: a property that the schema does not
 * name is a problem, so that a misspelt or invented field does not pass for an optional one. `oneOf` is read as `anyOf`:
 * GitHub's alternatives overlap.
 */
export class SchemaChecks {
  readonly #resolve: (reference: string) => Schema;
  readonly #named = new Map<string, Check>();

  constructor(resolve: (reference: string) => Schema) {
    this.#resolve = resolve;
  }

  /** `isOpen`: the schema is one of several that hold together, so that each knows only some of the properties. */
  compile(schema: Schema, isOpen = schema.allOf !== undefined): Check {
    if (schema.$ref !== undefined) return this.#reference(schema.$ref, isOpen);
    const checks = [...this.#ofType(schema, isOpen), ...this.#ofParts(schema, isOpen)];
    const { enum: allowed, nullable = false } = schema;
    if (allowed !== undefined)
      checks.push((value) => (allowed.includes(value) ? undefined : `: not one of ${allowed}`));
    return (value) => {
      if (value === null && nullable) return undefined;
      return firstProblem(checks, value);
    };
  }

  /** By name and compiled on use, since schemas may contain themselves. */
  #reference(reference: string, isOpen: boolean): Check {
    const key = isOpen ? `open ${reference}` : reference;
    return (value) => {
      let check = this.#named.get(key);
      if (check === undefined) {
        const schema = this.#resolve(reference);
        check = this.compile(schema, isOpen || schema.allOf !== undefined);
        this.#named.set(key, check);
      }
      return check(value);
    };
  }

  #ofType(schema: Schema, isOpen: boolean): Check[] {
    if (schema.type === 'object' || schema.properties !== undefined) return [this.#object(schema, isOpen)];
    if (schema.type === 'array') return [this.#array(schema)];
    if (schema.type === 'string') return [checkString(schema.format)];
    if (schema.type === 'integer') return [(value) => (Number.isInteger(value) ? undefined : ': not an integer')];
    const { type } = schema;
    return type === undefined ? [] : [(value) => (typeof value === type ? undefined : `: not a ${type}`)];
  }

  #ofParts({ allOf, anyOf, oneOf }: Schema, isOpen: boolean): Check[] {
    const checks = (allOf ?? []).map((part) => this.compile(part, true));
    for (const alternatives of [anyOf, oneOf])
      if (alternatives !== undefined) checks.push(checkAny(alternatives.map((part) => this.compile(part, isOpen))));
    return checks;
  }

  #object({ properties, required = [], additionalProperties }: Schema, isPart: boolean): Check {
    const known = new Map(Object.entries(properties ?? {}).map(([name, schema]) => [name, this.compile(schema)]));
    const others = typeof additionalProperties === 'object' ? this.compile(additionalProperties) : undefined;
    const isOpen = isPart || additionalProperties === true || known.size === 0;
    return (value) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return ': not an object';
      for (const name of required) if (!(name in value)) return `.${name}: missing`;
      for (const [name, property] of Object.entries(value)) {
        if (property === undefined) continue;
        const check = known.get(name) ?? others;
        if (check === undefined && !isOpen) return `.${name}: unknown`;
        const problem = check?.(property);
        if (problem !== undefined) return `.${name}${problem}`;
      }
      return undefined;
    };
  }

  #array({ items = {} }: Schema): Check {
    const check = this.compile(items);
    return (value) => {
      if (!Array.isArray(value)) return ': not an array';
      for (const [index, item] of value.entries()) {
        const problem = check(item);
        if (problem !== undefined) return `[${index}]${problem}`;
      }
      return undefined;
    };
  }
}

function checkString(format: string | undefined): Check {
  return (value) => {
    if (typeof value !== 'string') return ': not a string';
    if (format === 'date-time' && !DATE_TIME.test(value)) return ': not a date and time';
    // Templates such as {/sha} are no URLs, so only the beginning is looked at.
    if (format === 'uri' && !/^[a-z]+:\S+$/.test(value)) return ': not a URL';
    return undefined;
  };
}

function checkAny(checks: readonly Check[]): Check {
  return (value) => {
    const problems: string[] = [];
    for (const check of checks) {
      const problem = check(value);
      if (problem === undefined) return undefined;
      problems.push(problem);
    }
    return `: fits none of ${checks.length} alternatives (${problems.join('; ')})`;
  };
}

function firstProblem(checks: readonly Check[], value: unknown): string | undefined {
  for (const check of checks) {
    const problem = check(value);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
