import type { ProviderFactory, WebhookProvider } from '../../../../src/sources/webhook/provider.js';
import { type ProviderName, providers } from '../../../../src/sources/webhook/providers/index.js';

const SECRETS: Partial<Record<ProviderName, string>> = {
  jenkins: 'user:password',
  'standard-webhooks': 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
};

/** One with the least that its endpoint must say. */
export function createProvider(name: ProviderName): WebhookProvider {
  const { options, create } = providers[name];
  const given = name === 'generic' ? { auth: { scheme: 'bearer' } } : {};
  return (create as unknown as ProviderFactory<unknown>)(options.parse(given), [SECRETS[name] ?? 'a secret']);
}
