export { MemoryCursorStore, type MemoryCursorStoreOptions } from './memory-cursor-store.js';
