export { delay } from './delay.js';
export { type RetryOptions, type RetryPolicy, retry } from './retry.js';
