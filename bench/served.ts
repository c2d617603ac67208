import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A server in a process of its own: its memory and its time are not ours. */
export interface Served<Order, Reply> {
  /** Does what it is told, and says how things are then. */
  obey(order: Order): Promise<Reply>;
}

/** @param file a program of this folder that calls `serve` */
export async function withServer<Order, Reply, Result>(
  file: string,
  use: (server: Served<Order, Reply>) => Promise<Result>,
): Promise<Result> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), { execArgv: process.execArgv });
  try {
    return await use({ obey: (order) => ask<Order, Reply>(child, order) });
  } finally {
    child.disconnect();
  }
}

async function ask<Order, Reply>(child: ChildProcess, order: Order): Promise<Reply> {
  const reply = once(child, 'message');
  child.send(order as object);
  return (await reply)[0] as Reply;
}

/** For the program itself: answers each order, until there is nobody to give any. */
export function serve<Order, Reply>(obey: (order: Order) => Reply | Promise<Reply>): void {
  process.on('message', async (order: Order) => process.send?.((await obey(order)) as object));
  process.on('disconnect', () => process.exit());
}
