import { ConfigError } from './errors.js';
import { Secret } from './secret.js';

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
  if (typeof credentials !== 'object' || credentials === null || credentials instanceof Secret) return;
  for (const [name, value] of Object.entries(credentials)) {
    if (value !== undefined) continue;
    throw credentialsError(
      sourceId,
      'CREDENTIALS_UNDEFINED',
      `credentials.${name} is undefined`,
      `set it (is the environment variable missing?), or pass credentials: 'anonymous' where the source allows it`,
    );
  }
}

function credentialsError(sourceId: string, code: string, message: string, fix: string): ConfigError {
  return new ConfigError([{ severity: 'error', code, message, fix }], { code, sourceId });
}
