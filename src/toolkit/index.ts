export { delay } from './delay.js';
export { type PollOptions, poll } from './poll.js';
export { type RetryOptions, type RetryPolicy, retry } from './retry.js';
