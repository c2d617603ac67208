import * as z from 'zod';
import { parseCredentials } from '../../core/config.js';
import { checkCredentials } from '../../core/credentials.js';
import { Secret } from '../../core/secret.js';

/** The address of a server that is asked for metrics. */
export function serverUrl(example: string) {
  return z
    .url({ protocol: /^https?$/, error: `expected a URL: ${example}` })
    .refine((value) => !/^https?:\/\/[^/?#]*@/i.test(value), {
      error: 'must not hold a user or password: put them into credentials',
    });
}

const text = z.string().min(1);

/** A token, or user and password. */
export const accessCredentials = z.union([
  z.strictObject({ token: text }),
  z.strictObject({ user: text, password: z.string() }),
]);

export type AccessCredentials = z.input<typeof accessCredentials>;

/** What was given; undefined where nothing was, as servers within a network may be asked by anybody. */
export async function readAccess(options: {
  id: string;
  credentials?: unknown;
}): Promise<Secret<AccessCredentials | undefined>> {
  checkCredentials(options.id, options.credentials);
  if (options.credentials === undefined || options.credentials === 'anonymous') return new Secret(undefined);
  return new Secret(await parseCredentials(accessCredentials, options));
}
