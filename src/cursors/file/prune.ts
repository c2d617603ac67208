import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { withFaultPoints } from '../../core/fault-point.js';
import { removeIfPresent } from './file-calls.js';
import type { NumberedGeneration } from './generation.js';
import { generationName, type Listing } from './names.js';

/** Longer than any save lasts: a temporary file as old as this was left by a crash. */
const LEFT_BEHIND_MS = 60 * 60 * 1000;

/**
 * Removes what the newest generation has made unneeded. It is durable by then, so a failure here takes nothing away, and
 * the next save tries again.
 */
export async function removeUnneeded(directory: string, newest: NumberedGeneration, listing: Listing): Promise<void> {
  await withFaultPoints('cursor-file.prune', () => {
    try {
      for (const name of unneededNames(newest, listing)) removeIfPresent(join(directory, name));
      for (const name of listing.temporaries) removeIfOld(join(directory, name));
    } catch {
      // Nothing depends on it.
    }
  });
}

function unneededNames({ number, generation }: NumberedGeneration, listing: Listing): string[] {
  const kept = keptNumbers({ number, generation });
  const { journals, retired } = generation.state;
  const named = new Set([...journals, ...retired].map(({ name }) => name));
  // A journal is named by the generation it was begun for or never, so one begun for a later one may yet be.
  const journalNames = listing.stateFiles.filter((file) => file.number <= number && !named.has(file.name));
  // Oldest first: a writer that was left behind must always find a higher generation than its own.
  const generations = listing.generations.filter((other) => other < number && !kept.has(other)).reverse();
  return [...generations.map(generationName), ...journalNames.map(({ name }) => name)];
}

/** The one before stays as well, to go on from should the newest be damaged; after a delete nothing stays. */
function keptNumbers({ number, generation }: NumberedGeneration): Set<number> {
  return generation.record === undefined ? new Set([number]) : new Set([number, number - 1, ...generation.history]);
}

function removeIfOld(path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats !== undefined && Date.now() - stats.mtimeMs > LEFT_BEHIND_MS) removeIfPresent(path);
}
