import { ConfigError } from './errors.js';

/** Where a host keeps the secrets that specs and manifests only name. */
export interface CredentialProvider {
  resolve(ref: string): Promise<unknown>;
  /** Rotated tokens come back here; compare-and-set on the version that was read. */
  save?(ref: string, next: unknown, expected: unknown): Promise<void>;
}

/** Credentials by reference: resolved by the factory, so that no secret stands in a manifest. */
export function isCredentialReference(credentials: unknown): credentials is { ref: string } {
  if (typeof credentials !== 'object' || credentials === null) return false;
  const keys = Object.keys(credentials);
  return keys.length === 1 && typeof (credentials as { ref?: unknown }).ref === 'string';
}

/** @throws ConfigError for a reference that nobody resolved and for a secret that is undefined. */
export function checkCredentials(sourceId: string, credentials: unknown): void {
  if (isCredentialReference(credentials)) {
    throw credentialsError(
      sourceId,
      'CREDENTIALS_UNRESOLVED',
      `credentials { ref: "${credentials.ref}" } cannot be resolved here`,
      'create the source with an EventSourceFactory that has a credentials provider, or pass the credentials themselves',
    );
  }
  const missing = undefinedIn(credentials, 'credentials');
  if (missing === undefined) return;
  throw credentialsError(
    sourceId,
    'CREDENTIALS_UNDEFINED',
    `${missing} is undefined`,
    `set it (is the environment variable missing?), or pass credentials: 'anonymous' where the source allows it`,
  );
}

/** The path of the first value that is undefined, in plain objects and arrays of any depth. */
function undefinedIn(value: unknown, path: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null && !Array.isArray(value)) return undefined;
  for (const [name, inner] of Object.entries(value)) {
    const found = inner === undefined ? `${path}.${name}` : undefinedIn(inner, `${path}.${name}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function credentialsError(sourceId: string, code: string, message: string, fix: string): ConfigError {
  return new ConfigError([{ severity: 'error', code, message, fix }], { code, sourceId });
}
