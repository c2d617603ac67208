export { FileCursorStore, type FileCursorStoreOptions } from './file-cursor-store.js';
