import { ConfigError } from '../../core/errors.js';

/** A secret that cannot be one of its sender. It is never quoted. */
export function secretFormat(message: string, fix: string): ConfigError {
  return new ConfigError([{ severity: 'error', code: 'SECRET_FORMAT', message, fix }], { code: 'SECRET_FORMAT' });
}
