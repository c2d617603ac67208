import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A directory that is gone after the test. */
export function scratchDirectory(): string {
  const { directory, dispose } = makeDirectory();
  onTestFinished(dispose);
  return directory;
}

/** A directory to share between tests. */
export function makeDirectory(): { directory: string; dispose(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'headwater-test-'));
  return { directory, dispose: () => rmSync(directory, { recursive: true, force: true }) };
}

/** The files below a directory, as full paths, sorted by name. */
export function filesBelow(directory: string): string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory());
  return files.map((entry) => join(entry.parentPath, entry.name)).sort();
}

/** Sets the fault hook until the test is over. */
export function onFaultPoint(hook: (name: string) => void | Promise<void>): void {
  const global = globalThis as { [key: symbol]: unknown };
  const key = Symbol.for('headwater.faultPoint');
  global[key] = hook;
  onTestFinished(() => {
    delete global[key];
  });
}
