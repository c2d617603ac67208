import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { repositoryRoot } from '../../scripts/entries.js';
import { readPublicNames, SNAPSHOT_FILE } from '../../scripts/public-names.js';

test('every entry exports the names that were agreed', { timeout: 60_000 }, () => {
  const agreed: unknown = JSON.parse(readFileSync(`${repositoryRoot}/${SNAPSHOT_FILE}`, 'utf8'));
  const names = readPublicNames();
  expect(names['headwater']?.values).toContain('EventSource');
  expect(names, 'Public names changed. If that is meant: npm run api, and commit the snapshot.').toEqual(agreed);
});
