import type { EventSource } from 'headwater';
import { identities } from './identities.js';
import { Ledger, Orders, Queue, Remembering } from './right.js';
import { Shop } from './shop.js';

/** Reads all there is in a process of its own, with a source of the class that is named, and prints it. */
type Class = { name: string; create(options: unknown): Promise<EventSource> };

const classes = [Orders, Ledger, Remembering, Queue, ...identities.map(({ source }) => source)] as unknown as Class[];
const shop = new Shop();
const { config, credentials } = shop;
const source = await classes.find(({ name }) => name === process.argv[2])?.create({ id: 'trial', config, credentials });
const events: unknown[] = [];
for await (const event of source?.generateEvents() ?? []) events.push(event);
process.stdout.write(JSON.stringify(events));
