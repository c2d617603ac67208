export type { RedisCommands } from './redis-commands.js';
export { RedisCursorStore, type RedisCursorStoreOptions } from './redis-cursor-store.js';
