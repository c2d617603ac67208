/** Rewrites the snapshot of public names after a change that is meant. The diff belongs in the commit. */
import { writeFileSync } from 'node:fs';
import { repositoryRoot } from './entries.js';
import { readPublicNames, SNAPSHOT_FILE } from './public-names.js';

writeFileSync(`${repositoryRoot}/${SNAPSHOT_FILE}`, `${JSON.stringify(readPublicNames(), null, 2)}\n`);
