import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Check, type Schema, SchemaChecks } from './schema-check.js';

/** A query parameter as GitHub documents it. */
export interface QueryParameter {
  readonly name: string;
  readonly schema: Schema;
}

interface Parameter extends QueryParameter {
  readonly in: string;
}
interface Content {
  readonly schema?: Schema;
}
interface Response {
  readonly content?: Readonly<Record<string, Content>>;
}
interface Operation {
  readonly parameters?: readonly (Parameter | Reference)[];
  readonly responses: Readonly<Record<string, Response | Reference>>;
  readonly requestBody?: Response;
  readonly externalDocs?: { readonly url: string };
}
interface Reference {
  readonly $ref: string;
}
interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const require = createRequire(import.meta.url);

/** GitHub's own description of its API, from the package @octokit/openapi. */
export class OpenApi {
  static #loaded: OpenApi | undefined;

  /** Read on first use: 13 MB. */
  static load(): OpenApi {
    OpenApi.#loaded ??= new OpenApi();
    return OpenApi.#loaded;
  }

  readonly #description: Description;
  readonly #checks: SchemaChecks;
  readonly #compiled = new Map<string, Check | undefined>();

  private constructor() {
    const path = require.resolve('@octokit/openapi/generated/api.github.com.json');
    this.#description = JSON.parse(readFileSync(path, 'utf8')) as Description;
    this.#checks = new SchemaChecks((reference) => this.#find<Schema>(reference));
  }

  /** Page of GitHub's documentation, as it stands in its error answers. */
  documentationUrl(method: string, template: string): string | undefined {
    return this.#operation(method, template)?.externalDocs?.url;
  }

  /** The query parameters of an operation; `undefined` for one that GitHub does not have. */
  queryParameters(method: string, template: string): readonly QueryParameter[] | undefined {
    const operation = this.#operation(method, template);
    return operation?.parameters
      ?.map((parameter) => this.#resolve<Parameter>(parameter))
      .filter((parameter) => parameter.in === 'query');
  }

  /** What is wrong with the body of a request. */
  requestProblem(method: string, template: string, body: unknown): string | undefined {
    const schema = this.#operation(method, template)?.requestBody?.content?.['application/json']?.schema;
    return schema === undefined ? undefined : this.#checks.compile(schema)(body);
  }

  /** What is wrong with an answer. One that is not described for the operation must be a redirect or a plain error. */
  answerProblem(method: string, template: string, status: number, body: unknown): string | undefined {
    const check = this.#answerCheck(method, template, status);
    if (check !== undefined) return check(body);
    return status >= 300 ? this.#schemaCheck('basic-error')(body) : `: status ${status} is not described`;
  }

  /** What is wrong with a value of a named schema ('issue', 'full-repository'). */
  schemaProblem(name: string, value: unknown): string | undefined {
    return this.#schemaCheck(name)(value);
  }

  #schemaCheck(name: string): Check {
    return this.#checks.compile({ $ref: `#/components/schemas/${name}` });
  }

  #answerCheck(method: string, template: string, status: number): Check | undefined {
    const key = `${method} ${template} ${status}`;
    if (!this.#compiled.has(key)) {
      const schema = this.#answerSchema(method, template, status);
      this.#compiled.set(key, schema === undefined ? undefined : this.#checks.compile(schema));
    }
    return this.#compiled.get(key);
  }

  #answerSchema(method: string, template: string, status: number): Schema | undefined {
    const response = this.#operation(method, template)?.responses[String(status)];
    return response === undefined ? undefined : this.#resolve<Response>(response).content?.['application/json']?.schema;
  }

  #operation(method: string, template: string): Operation | undefined {
    return this.#description.paths[template]?.[method.toLowerCase()];
  }

  #resolve<T extends object>(value: T | Reference): T {
    return '$ref' in value ? this.#find<T>(value.$ref) : value;
  }

  #find<T>(reference: string): T {
    let found: unknown = this.#description;
    for (const key of reference.slice('#/'.length).split('/')) found = (found as Record<string, unknown>)[key];
    if (found === undefined) throw new Error(`GitHub's description has no ${reference}`);
    return found as T;
  }
}
