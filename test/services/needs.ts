import { spawnSync } from 'node:child_process';
import { describe, test } from 'vitest';

/**
 * A group of tests that needs a program or service of the machine. Where that is missing the group is not run and says
 * so, with the reason; under CI it fails instead, so that nothing passes for want of a tool.
 */
export function describeWith(need: string, isThere: boolean, name: string, body: () => void): void {
  if (isThere) {
    describe(name, body);
  } else if (process.env['CI'] === 'true') {
    test(`${name} needs ${need}`, () => {
      throw new Error(`${need} is missing. In CI that is a failure.`);
    });
  } else {
    describe.skip(`${name} (not run: ${need} is missing)`, body);
  }
}

/** Whether a program answers to being called. */
export function hasProgram(command: string, ...callArguments: string[]): boolean {
  return spawnSync(command, callArguments, { stdio: 'ignore' }).status === 0;
}

/** The programs that Debian installs where an ordinary user does not look. */
export function hasRsyslog(): boolean {
  return hasProgram('/usr/sbin/rsyslogd', '-v');
}

/** A group of tests that calls git. */
export function describeGit(name: string, body: () => void): void {
  describeWith('git', hasProgram('git', '--version'), name, body);
}
