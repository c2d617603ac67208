import { RedisCursorStore } from '../../../../src/cursors/redis/index.js';
import { race } from '../../race.js';

// Races until it has won so often, or is killed.
const [url = '', prefix = '', writer = '', wins = '0', killedAfter = '-1'] = process.argv.slice(2);
let points = 0;
Object.assign(globalThis, {
  [Symbol.for('headwater.faultPoint')]: (): void => {
    if (points === Number(killedAfter)) process.kill(process.pid, 'SIGKILL');
    points += 1;
  },
});

const store = await RedisCursorStore.connect(url, { prefix, history: 3 });
await race(store, writer, Number(wins));
await store.close();
