import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';

/** Removes the socket of a process that is gone; what is no socket, or is listened on, stays and is told by `listen`. */
export async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSocket() !== true || !(await isRefused(path))) return;
  await unlink(path).catch(() => {});
}

function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}
