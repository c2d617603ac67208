import { FileCursorStore } from '../../../src/cursors/file/index.js';
import { race } from '../race.js';

const [directory = '', writer = '', wins = '0'] = process.argv.slice(2);
await race(new FileCursorStore(directory, { history: 3 }), writer, Number(wins));
