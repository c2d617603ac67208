import { FakeClock } from 'headwater/testing';
import { afterEach, beforeEach, expect } from 'vitest';
import { GithubServer } from './server.js';

export interface StartedGithub {
  readonly server: GithubServer;
  /** The server's clock; give it to the client as well. */
  readonly clock: FakeClock;
  /** A personal token that may read everything. */
  readonly token: string;
}

/**
 * A server of its own for each test of a file or group, closed afterwards. Each test fails if the server answered what
 * GitHub does not describe, and, unless `mayViolate`, if a client asked for it.
 *
 * ```ts
 * let server: GithubServer;
 * githubForEach((started) => {
 *   ({ server } = started);
 * });
 * ```
 */
export function githubForEach(set: (started: StartedGithub) => void, { mayViolate = false } = {}): void {
  let server: GithubServer;
  beforeEach(async () => {
    const clock = new FakeClock(GithubServer.startOfTime);
    server = await GithubServer.start({ clock });
    set({ server, clock, token: server.personalToken() });
  });
  afterEach(async () => {
    await server.close();
    expect(server.answerProblems).toEqual([]);
    if (!mayViolate) expect(server.violations).toEqual([]);
  });
}
