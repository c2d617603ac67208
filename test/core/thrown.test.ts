import { expect, it } from 'vitest';
import { ReadSource } from '../support/test-sources.js';

it('whatever a source throws ends the iteration', async () => {
  const source = new ReadSource(() => {
    throw Object.create(null);
  });
  await expect(source.generateEvents().next()).rejects.toBeDefined();
  const other = new ReadSource(async function* (self) {
    yield self.item(1);
    throw Object.create(null);
  });
  const it = other.generateEvents();
  await it.next();
  await expect(it.next()).rejects.toBeDefined();
}, 3000);
