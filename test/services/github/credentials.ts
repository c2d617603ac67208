import { createHash } from 'node:crypto';
import { App, type AppOptions, type Installation } from './app.js';
import type { Repository } from './repository.js';
import { Refusal } from './route.js';
import type { World } from './world.js';

/** Who asks. */
export interface Credential {
  /** For counts and records: says whose it is without being it. */
  readonly name: string;
  readonly kind: 'anonymous' | 'personal' | 'installation' | 'app';
  /** Different for each token, also of the same owner: ETags depend on it. */
  readonly identity: string;
  /** Tokens of one user, and those that an installation is given one after another, share one limit. */
  readonly budget: string;
  readonly hourlyLimit: number;
  readonly login?: string;
  readonly installation?: Installation;
  readonly permissions: 'all' | ReadonlySet<string>;
  /** Organisations with single sign-on that the token is authorised for. */
  readonly sso: ReadonlySet<string>;
  /** Milliseconds of the server's time. */
  readonly expiresAt?: number;
  maySee(repository: Repository): boolean;
}

export interface PersonalTokenOptions {
  /** Default: 'octocat'. */
  readonly login?: string;
  /** Requests an hour. Default: 5,000. */
  readonly hourlyLimit?: number;
  /** Names of private repositories that the token may read, at the time of the request. Default: all. */
  readonly privateRepositories?: 'all' | readonly string[];
  /** As of a fine-grained token: 'contents', 'issues', 'pull_requests', 'actions', 'metadata'. Default: all. */
  readonly permissions?: 'all' | readonly string[];
  /** Logins of organisations that need single sign-on and have authorised the token. */
  readonly sso?: readonly string[];
}

const ANONYMOUS: Credential = {
  name: 'anonymous',
  kind: 'anonymous',
  identity: 'anonymous',
  budget: 'anonymous',
  hourlyLimit: 60,
  permissions: 'all',
  sso: new Set(),
  maySee: (repository) => !repository.private,
};

/** Tokens that were given out. Kept by their hash: no report of the server can show one. */
export class Credentials {
  readonly #world: World;
  readonly #tokens = new Map<string, Credential>();
  readonly #apps: App[] = [];
  #made = 0;

  constructor(world: World) {
    this.#world = world;
  }

  personal(options: PersonalTokenOptions): string {
    const login = options.login ?? 'octocat';
    const { privateRepositories = 'all', permissions = 'all' } = options;
    return this.#keep(`github_pat_${this.#secret()}`, {
      name: `personal token of ${login}`,
      kind: 'personal',
      budget: `user ${login}`,
      hourlyLimit: options.hourlyLimit ?? 5000,
      login: this.#world.account(login).login,
      permissions: permissions === 'all' ? 'all' : new Set(permissions),
      sso: new Set(options.sso),
      maySee: (repository) =>
        !repository.private || privateRepositories === 'all' || privateRepositories.includes(repository.fullName),
    });
  }

  app(options: AppOptions): App {
    const app = new App(this.#world, this.#apps.length, options);
    this.#apps.push(app);
    return app;
  }

  /** A new token for an installation, for one hour. The last one stays good until it expires. */
  install(
    installation: Installation,
    permissions: ReadonlySet<string>,
    now: number,
  ): { token: string; expiresAt: number } {
    const expiresAt = now + 3_600_000;
    // Since April 2026 such tokens are long and hold dots: no client may count on 40 characters.
    const token = `ghs_${installation.app.id}_${Buffer.from(this.#secret().repeat(6)).toString('base64url')}.${this.#secret()}`;
    this.#keep(token, {
      name: `installation ${installation.id}`,
      kind: 'installation',
      budget: `installation ${installation.id}`,
      hourlyLimit: installation.hourlyLimit,
      installation,
      permissions,
      sso: new Set([installation.account]),
      expiresAt,
      maySee: (repository) => !repository.private || installation.includes(repository),
    });
    return { token, expiresAt };
  }

  /** From now on the token is refused. */
  revoke(token: string): void {
    this.#tokens.delete(hash(token));
  }

  /** Throws 401 for what is no good. */
  identify(authorization: string | undefined, now: number): Credential {
    if (authorization === undefined) return ANONYMOUS;
    const token = /^(?:bearer|token) (\S+)$/i.exec(authorization)?.[1];
    if (token === undefined) throw badCredentials();
    if (token.startsWith('eyJ')) return this.#identifyApp(token, now);
    const credential = this.#tokens.get(hash(token));
    if (credential === undefined || (credential.expiresAt ?? now + 1) <= now) throw badCredentials();
    return credential;
  }

  installation(id: number): Installation | undefined {
    return this.#apps.map(({ installation }) => installation).find((installation) => installation.id === id);
  }

  #identifyApp(token: string, now: number): Credential {
    const app = App.verify(token, this.#apps, now);
    return {
      ...ANONYMOUS,
      name: `app ${app.id}`,
      kind: 'app',
      identity: `app ${app.id}`,
      budget: `app ${app.id}`,
      hourlyLimit: 5000,
      installation: app.installation,
    };
  }

  #keep(token: string, credential: Omit<Credential, 'identity'>): string {
    const identity = hash(token);
    this.#tokens.set(identity, { ...credential, identity });
    return token;
  }

  #secret(): string {
    this.#made += 1;
    return hash(`token ${this.#made}`).slice(0, 36);
  }
}

function badCredentials(): Refusal {
  return new Refusal(401, 'Bad credentials');
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
