export { type CacheOptions, cacheSource } from './cache-source.js';
