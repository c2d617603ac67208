import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { statsdSource } from './built.js';
import { type Bench, type Information, paired, type Row } from './measure.js';
import { type Served, withServer } from './served.js';
import type { StatsdOrder, StatsdReply } from './statsd-sender.js';

const PACKETS = 20_000;
const LINES = 10;

/** Packets of ten lines: received, taken apart and summed up, beside a receiver that takes them apart as statsd does. */
export const statsd: Bench = {
  name: 'statsd',
  async *rows(): AsyncGenerator<Row | Information> {
    yield await withServer('statsd-sender.ts', packets);
  },
};

async function packets(sender: Served<StatsdOrder, StatsdReply>): Promise<Row> {
  const { StatsdSource } = await statsdSource();
  const config = { listen: [{ transport: 'udp' as const, port: 0 }], flushMs: 1_000, receiveBufferBytes: 8_388_608 };
  const source = await StatsdSource.create({ id: 'bench', config });
  const [address] = await source.listen();
  const port = (address as { port: number }).port;
  const reading = (async () => {
    for await (const _event of source.generateEvents());
  })();
  const rival = await startRival();
  const send = async (to: number): Promise<void> =>
    void (await sender.obey({ port: to, packets: PACKETS, lines: LINES }));
  const row = `${PACKETS} packets of ${LINES} lines, beside a bare receiver with the parse of statsd`;
  const result = await paired({
    bench: 'statsd',
    row,
    goal: 0.7,
    ours: () => send(port),
    rival: () => send(rival.port),
    pairs: 7,
    warmUps: 2,
  });
  rival.close();
  await source.close();
  await reading;
  return result;
}

/** What `stats.js` of the package does with a packet: split, sanitise, check, and put into objects by key. */
async function startRival(): Promise<{ port: number; close(): void }> {
  const helpers = createRequire(import.meta.url)('statsd/lib/helpers.js') as {
    is_valid_packet(fields: readonly string[]): boolean;
  };
  const counters: Record<string, number> = {};
  const timers: Record<string, number[]> = {};
  const gauges: Record<string, number> = {};
  const socket = createSocket('udp4');
  socket.on('message', (message) => {
    const text = message.toString();
    for (const metric of text.includes('\n') ? text.split('\n') : [text]) {
      if (metric.length === 0) continue;
      const bits = metric.toString().split(':');
      const key = (bits.shift() ?? '')
        .replace(/\s+/g, '_')
        .replace(/\//g, '-')
        .replace(/[^a-zA-Z_\-0-9.;=]/g, '');
      if (bits.length === 0) bits.push('1');
      for (const bit of bits) {
        const fields = bit.split('|');
        if (!helpers.is_valid_packet(fields)) continue;
        const rate = fields[2] === undefined ? 1 : Number(fields[2].match(/^@([\d.]+)/)?.[1] ?? 1);
        const type = fields[1]?.trim();
        if (type === 'ms') {
          timers[key] ??= [];
          timers[key].push(Number(fields[0]));
        } else if (type === 'g') gauges[key] = Number(fields[0]);
        else counters[key] = (counters[key] ?? 0) + Number(fields[0]) / rate;
      }
    }
  });
  const flush = setInterval(() => {
    for (const key of Object.keys(timers)) timers[key] = [];
  }, 1_000);
  socket.bind({ address: '127.0.0.1', port: 0 });
  await once(socket, 'listening');
  socket.setRecvBufferSize(8_388_608);
  const close = (): void => {
    clearInterval(flush);
    socket.close();
  };
  return { port: socket.address().port, close };
}
