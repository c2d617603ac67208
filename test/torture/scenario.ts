/** What a child process does in its directory, from wherever an earlier one was killed. */
export type Scenario = (directory: string) => Promise<void>;

export const EVENTS = 600;
export const PAGE = 50;
export const BATCH = 20;
