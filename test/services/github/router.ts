import type { Route } from './route.js';

/** Parts of a path that may hold slashes. */
const OPEN_ENDED = new Set(['ref', 'basehead', 'branch']);

/** Beginnings of paths, by name and by number. GitHub serves both, and links to the second. */
const BEGINNINGS: readonly (readonly [byName: string, byNumber: string])[] = [
  ['/repos/{owner}/{repo}', '/repositories/{repository_id}'],
  ['/orgs/{org}', '/organizations/{account_id}'],
  ['/users/{username}', '/user/{account_id}'],
];

export interface Match {
  readonly route: Route;
  readonly variables: Readonly<Record<string, string>>;
}

interface Pattern {
  readonly route: Route;
  readonly expression: RegExp;
  readonly names: readonly string[];
}

/** Finds the route of a path. */
export class Router {
  readonly #patterns: readonly Pattern[];

  constructor(routes: readonly Route[]) {
    this.#patterns = routes.flatMap((route) => {
      const beginning = BEGINNINGS.find(([byName]) => route.template.startsWith(byName));
      const byNumber = beginning && compile(route, route.template.replace(...beginning));
      return [compile(route, route.template), ...(byNumber ? [byNumber] : [])];
    });
  }

  /** A path with a slash at its end is none: https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api */
  match(method: string, path: string): Match | undefined {
    if (path.endsWith('/')) return undefined;
    for (const { route, expression, names } of this.#patterns) {
      const found = route.method === method ? expression.exec(path) : null;
      if (found !== null)
        return { route, variables: Object.fromEntries(names.map((name, index) => [name, decode(found[index + 1])])) };
    }
    return undefined;
  }
}

function compile(route: Route, template: string): Pattern {
  const names: string[] = [];
  const source = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    names.push(name);
    return OPEN_ENDED.has(name) ? '(.+)' : '([^/]+)';
  });
  return { route, names, expression: new RegExp(`^${source}$`) };
}

function decode(text = ''): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
