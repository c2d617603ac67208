import { ConfigError } from '../../core/errors.js';
import type { Endpoint } from './endpoint.js';

export interface Route {
  readonly endpoint: Endpoint;
  readonly params: Readonly<Record<string, string>>;
}

interface Pattern {
  readonly endpoint: Endpoint;
  readonly regex: RegExp;
  readonly names: readonly string[];
}

const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze({});

/** Finds the endpoint of a path. A path that is written out comes before one with names in it. */
export class Routes {
  readonly #exact = new Map<string, Route>();
  readonly #patterns: Pattern[] = [];

  /** @throws ConfigError where two endpoints have the same path. */
  constructor(endpoints: readonly Endpoint[], sourceId: string) {
    const shapes = new Map<string, string>();
    for (const endpoint of endpoints) {
      const shape = endpoint.path.replace(/:[^/]+/g, ':');
      const other = shapes.get(shape);
      if (other !== undefined) throw samePath(endpoint, other, sourceId);
      shapes.set(shape, endpoint.name);
      if (endpoint.path.includes('/:')) this.#patterns.push(toPattern(endpoint));
      else this.#exact.set(endpoint.path, { endpoint, params: NO_PARAMS });
    }
  }

  find(path: string): Route | undefined {
    const exact = this.#exact.get(path);
    if (exact !== undefined) return exact;
    for (const { endpoint, regex, names } of this.#patterns) {
      const match = regex.exec(path);
      const values = match?.slice(1).map(decode);
      if (values === undefined || values.includes(undefined)) continue;
      return { endpoint, params: Object.fromEntries(names.map((name, at) => [name, values[at] as string])) };
    }
    return undefined;
  }
}

function toPattern(endpoint: Endpoint): Pattern {
  const names: string[] = [];
  const parts = endpoint.path.split('/').map((part) => {
    if (!part.startsWith(':')) return part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
    names.push(part.slice(1));
    return '([^/]+)';
  });
  return { endpoint, regex: new RegExp(`^${parts.join('/')}$`), names };
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

function samePath({ name, path }: Endpoint, other: string, sourceId: string): ConfigError {
  const message = `endpoints "${other}" and "${name}" have the same path ${path}`;
  return new ConfigError([{ severity: 'error', code: 'WEBHOOK_PATH', message, fix: 'give one of them another path' }], {
    code: 'WEBHOOK_PATH',
    sourceId,
  });
}
