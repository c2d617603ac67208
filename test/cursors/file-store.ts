import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FileCursorStore } from '../../src/cursors/file/index.js';
import { filesBelow, scratchDirectory } from './scratch.js';

export const fields = { sourceType: 'test', origin: 'o', cursorVersion: 1, writer: 'w' };

export async function saved(count: number, state?: { set: Record<string, unknown> }) {
  const directory = join(scratchDirectory(), 'cursors');
  const store = new FileCursorStore(directory);
  for (let revision = 0; revision < count; revision += 1) await save(store, revision, state);
  return { store, directory };
}

export function save(
  store: FileCursorStore,
  expectedRevision: number,
  state?: { set?: Record<string, unknown>; delete?: string[] },
) {
  return store.save({ ...fields, sourceId: 'a', cursor: expectedRevision + 1, state }, { expectedRevision });
}

export async function mapOf(store: FileCursorStore, prefix?: string): Promise<Map<string, unknown>> {
  const state = new Map<string, unknown>();
  for await (const [key, value] of store.loadState('a', prefix)) state.set(key, value);
  return state;
}

export async function stateOf(store: FileCursorStore, prefix?: string): Promise<Record<string, unknown>> {
  return Object.fromEntries(await mapOf(store, prefix));
}

export function newestOf(directory: string): string {
  return filesBelow(directory)
    .filter((path) => path.endsWith('.cursor'))
    .at(-1) as string;
}

export function snapshot(directory: string): [string, string][] {
  return filesBelow(directory).map((path) => [path, readFileSync(path, 'utf8')]);
}

export function sizeBelow(directory: string): number {
  return filesBelow(directory).reduce((sum, path) => sum + statSync(path).size, 0);
}
