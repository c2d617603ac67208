import { readFileSync } from 'node:fs';
import { type CredentialProvider, parseConfig, type SourceSpec } from 'headwater';
import * as z from 'zod';

const source = z.strictObject({
  type: z.string(),
  id: z.string(),
  config: z.unknown(),
  credentials: z.union([z.strictObject({ ref: z.string() }), z.literal('anonymous')]).optional(),
  enabled: z.boolean().optional(),
});

const settings = z.strictObject({
  /** Whose memory this is. */
  project: z.string().min(1),
  sources: z.array(source).min(1),
});

export interface Settings {
  readonly project: string;
  readonly sources: readonly SourceSpec[];
}

/** @throws ConfigError with everything that is wrong */
export async function readSettings(path: string): Promise<Settings> {
  return parseConfig(settings, { id: path, config: JSON.parse(readFileSync(path, 'utf8')) });
}

/** `{ "ref": "GITHUB" }` in the settings stands for the environment variable GITHUB_TOKEN: no secret is in a file. */
export const environmentCredentials: CredentialProvider = {
  resolve: async (ref) => {
    const token = process.env[`${ref}_TOKEN`];
    return token === undefined ? undefined : { token };
  },
};
