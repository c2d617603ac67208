import { ConfigError } from '../../core/errors.js';
import type { Identity } from './client.js';

/** Whether a token belongs to the workspace that was asked for, by id or by subdomain. */
export function isWorkspace(asked: string | undefined, { teamId, url }: Identity): boolean {
  return asked === undefined || asked === teamId || asked === subdomainOf(url);
}

/** Subdomains are in lower case. */
export function isWorkspaceId(text: string): boolean {
  return /^[TE][A-Z0-9]{6,}$/.test(text);
}

export function wrongWorkspace(asked: string, { teamId, url }: Identity): ConfigError {
  const problem = {
    severity: 'error',
    code: 'SLACK_WORKSPACE',
    message: `the token belongs to the workspace "${subdomainOf(url) ?? teamId}" (${teamId}), not to "${asked}"`,
    fix: 'correct "workspace", or use a token of that workspace',
  } as const;
  return new ConfigError([problem], { code: 'SLACK_WORKSPACE' });
}

function subdomainOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname.split('.')[0] : undefined;
}
