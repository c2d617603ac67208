import type { Clock } from '../../core/clock.js';
import { AuthenticationError } from '../../core/errors.js';
import { Secret } from '../../core/secret.js';
import { bearer, credentialIdentity, type HttpCredentials } from '../../toolkit/http/credentials.js';
import type { HttpClientOptions } from '../../toolkit/http/http-client.js';
import { type AppKey, InstallationToken } from './app-token.js';
import type { GithubCredentials, TokenFunction } from './config.js';

/** Credentials as a source keeps them: nothing of it prints. */
export type KeptCredentials =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'token'; readonly token: Secret }
  | { readonly kind: 'function'; readonly give: Secret<TokenFunction> }
  | ({ readonly kind: 'app' } & AppKey);

export function keepCredentials(credentials: GithubCredentials): KeptCredentials {
  if (credentials === 'anonymous') return { kind: 'anonymous' };
  if (typeof credentials === 'function') return { kind: 'function', give: new Secret(credentials) };
  if ('token' in credentials) return { kind: 'token', token: new Secret(credentials.token) };
  return { kind: 'app', ...credentials, privateKey: new Secret(credentials.privateKey) };
}

export interface OpenCredentials {
  readonly http: HttpCredentials | undefined;
  close(): Promise<void>;
}

/** Makes requests authorised; `client` is what an app asks for its tokens with. */
export async function openCredentials(
  kept: KeptCredentials,
  { clock, client, signal }: { clock: Clock; client: HttpClientOptions; signal: AbortSignal | undefined },
): Promise<OpenCredentials> {
  const close = async (): Promise<void> => {};
  switch (kept.kind) {
    case 'anonymous':
      return { http: undefined, close };
    case 'token':
      return { http: bearer(kept.token), close };
    case 'function':
      return { http: await givenToken(kept.give, signal), close };
    case 'app': {
      const token = new InstallationToken(kept, clock, client);
      return { http: token, close: () => token.close() };
    }
  }
}

/** ETags belong to a token: with another one at the next start the identity is another, and nothing is asked in vain. */
async function givenToken(give: Secret<TokenFunction>, signal: AbortSignal | undefined): Promise<HttpCredentials> {
  const ask = async (now: AbortSignal | undefined): Promise<string> => {
    const token: unknown = await give.reveal()({ signal: now });
    if (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) return token;
    throw new AuthenticationError('the function that was given as credentials gave no token: it has to return a text');
  };
  return {
    identity: credentialIdentity(await ask(signal)),
    headers: async (now) => ({ authorization: `Bearer ${await ask(now)}` }),
    // It is asked before each request anyway; so a 401 is followed by one more try.
    renew: async () => {},
  };
}
