import {
  createSign,
  createVerify,
  generateKeyPairSync,
  type KeyObject,
  type KeyPairKeyObjectResult,
} from 'node:crypto';
import type { Account } from './records.js';
import type { Repository } from './repository.js';
import { Refusal } from './route.js';
import type { World } from './world.js';

export interface AppOptions {
  /** The organisation or user that the app is installed on. */
  readonly account: string;
  /** Names of the repositories it may use. Default: all of the account. */
  readonly repositories?: 'all' | readonly string[];
  /** 'contents', 'issues', 'pull_requests', 'actions', 'metadata'. Default: all of these. */
  readonly permissions?: readonly string[];
  /** Requests an hour. Default: 5,000. */
  readonly hourlyLimit?: number;
}

export interface Installation {
  readonly id: number;
  readonly app: App;
  readonly account: string;
  readonly permissions: ReadonlySet<string>;
  readonly hourlyLimit: number;
  includes(repository: Repository): boolean;
}

interface Claims {
  readonly iss?: unknown;
  readonly iat?: unknown;
  readonly exp?: unknown;
}

const EVERY_PERMISSION = ['contents', 'issues', 'pull_requests', 'actions', 'metadata'];

/** GitHub takes tokens that end at most so many seconds from now. */
const LONGEST_SECONDS = 600;

/**
 * A GitHub App with one installation. It signs as
 * https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
 * says: RS256, `iat` not in the future, `exp` at most ten minutes ahead, `iss` the client id or the number of the app.
 */
export class App {
  readonly id: number;
  readonly clientId: string;
  /** PEM, as GitHub gives it to the app's owner. */
  readonly privateKey: string;
  readonly owner: Account;
  readonly installation: Installation;
  readonly #publicKey: KeyObject;

  /** `index` counts the apps of a server: each has a key of its own. */
  constructor(world: World, index: number, options: AppOptions) {
    const { privateKey, publicKey } = keyPair(index);
    this.id = world.nextId();
    this.clientId = `Iv23li${this.id}`;
    this.privateKey = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
    this.#publicKey = publicKey;
    this.owner = world.account(options.account, 'Organization');
    const { repositories = 'all' } = options;
    this.installation = {
      id: world.nextId(),
      app: this,
      account: options.account,
      permissions: new Set(options.permissions ?? EVERY_PERMISSION),
      hourlyLimit: options.hourlyLimit ?? 5000,
      includes: (repository) =>
        repositories === 'all'
          ? repository.owner.login === options.account
          : repositories.includes(repository.fullName),
    };
  }

  /** What the app's owner would sign at a time, or with other claims. */
  sign(nowMs: number, claims: Claims = {}, head: object = { alg: 'RS256', typ: 'JWT' }): string {
    const now = Math.floor(nowMs / 1000);
    const parts = [head, { iat: now - 60, exp: now + 540, iss: this.clientId, ...claims }];
    const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    return `${text}.${createSign('RSA-SHA256').update(text).sign(this.privateKey, 'base64url')}`;
  }

  /** The app that signed a token. Throws what GitHub answers if the token is no good at this time. */
  static verify(token: string, apps: readonly App[], nowMs: number): App {
    const [head = '', body = '', signature = ''] = token.split('.');
    const { alg } = readPart(head) as { alg?: unknown };
    const claims = readPart(body) as Claims;
    const app = apps.find(({ id, clientId }) => [String(id), clientId].includes(String(claims.iss)));
    if (app === undefined) throw new Refusal(404, 'Integration not found');
    const isSigned =
      alg === 'RS256' &&
      createVerify('RSA-SHA256').update(`${head}.${body}`).verify(app.#publicKey, signature, 'base64url');
    if (!isSigned) throw undecodable();
    checkTimes(claims, Math.floor(nowMs / 1000));
    return app;
  }
}

const keyPairs: KeyPairKeyObjectResult[] = [];

/** Kept for the servers to come, since making one takes longer than all else that a test does. */
function keyPair(index: number): KeyPairKeyObjectResult {
  const found = keyPairs[index] ?? generateKeyPairSync('rsa', { modulusLength: 2048 });
  keyPairs[index] = found;
  return found;
}

function checkTimes({ iat, exp }: Claims, now: number): void {
  if (!Number.isInteger(exp) || Number(exp) <= now)
    throw new Refusal(
      401,
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    );
  if (Number(exp) > now + LONGEST_SECONDS)
    throw new Refusal(401, "'Expiration time' claim ('exp') is too far in the future");
  if (!Number.isInteger(iat) || Number(iat) > now)
    throw new Refusal(
      401,
      "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    );
}

function readPart(text: string): object {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Answered below, as for what is no object.
  }
  throw undecodable();
}

function undecodable(): Refusal {
  return new Refusal(401, 'A JSON web token could not be decoded');
}
