import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/**
 * One process at a time writes to a store. A file with a process id, so that what SIGKILL leaves behind is seen to be
 * nobody's; the end of the process gives the lock back.
 */
export async function takeLock(path: string, signal: AbortSignal): Promise<void> {
  for (let told = false; !tryLock(path); told = true) {
    const holder = readHolder(path);
    if (!isRunning(holder)) rmSync(path, { force: true });
    else if (!told)
      console.log(`Process ${holder} still writes to this store: waiting (if it is not so, delete ${path})`);
    await setTimeout(isRunning(holder) ? 200 : 0, undefined, { signal });
  }
  process.on('exit', () => rmSync(path, { force: true }));
}

/** A link appears with its content, so nobody reads a lock that does not say yet whose it is. */
function tryLock(path: string): boolean {
  const own = `${path}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(own);
  }
}

function readHolder(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return 0;
  }
}

function isRunning(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
