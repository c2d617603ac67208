import type { LimitState } from '../rate-limits.js';
import type { Route } from '../route.js';

export const rateLimitRoutes: readonly Route[] = [
  {
    method: 'GET',
    template: '/rate_limit',
    parameters: [],
    isFree: true,
    handle({ limit, now }) {
      const search: LimitState = { limit: 30, used: 0, remaining: 30, reset: Math.floor(now / 1000) + 60 };
      return { status: 200, body: { resources: { core: limit, search }, rate: limit } };
    },
  },
];
