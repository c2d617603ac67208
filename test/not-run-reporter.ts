import type { Reporter, TestModule } from 'vitest/node';

/** Says at the end which tests were not run, how many, and for what reason. */
export class NotRunReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = new Map<string, number>();
    for (const module of modules)
      for (const test of module.children.allTests('skipped')) {
        const reason = /not run: ([^)]+)/.exec(test.fullName)?.[1] ?? 'skipped without a reason';
        counts.set(reason, (counts.get(reason) ?? 0) + 1);
      }
    for (const [reason, count] of counts) process.stdout.write(`not run: ${count} (${reason})\n`);
  }
}
