import type { Capabilities } from '../../../core/capabilities.js';
import type { RedisConfig } from './config.js';

const kept: Capabilities = {
  kind: 'pull',
  delivery: 'at-least-once',
  position: 'upstream',
  ids: 'stable',
  deletes: false,
};

/** What each mode promises. */
export const capabilitiesByMode: Readonly<Record<RedisConfig['mode'], Capabilities>> = {
  group: { ...kept, setsAside: true },
  stream: { ...kept, position: 'cursor' },
  list: { ...kept, ids: 'per-receipt' },
  channels: {
    kind: 'push',
    delivery: 'at-most-once',
    position: 'none',
    ids: 'per-receipt',
    deletes: false,
    notes: ['Redis keeps nothing for who is not there: each absence is told by a gap.'],
  },
  keyspace: {
    kind: 'push',
    delivery: 'at-most-once',
    position: 'none',
    ids: 'per-receipt',
    deletes: false,
    notes: ['Redis tells of keys only where notify-keyspace-events says so.'],
  },
};
