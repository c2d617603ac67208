import { mkdirSync, mkdtempSync } from 'node:fs';
import { bundleChild } from './children.js';
import { runLive } from './live.js';
import { Random } from './random.js';
import { streamCases } from './streams.js';

const bundle = mkdtempSync('/work/main/node_modules/.cache/torture-');
const program = await bundleChild(bundle);
const name = process.argv[2] as string;
const each = streamCases[name]!;
const wrapped = {
  ...each,
  start: async (d: string, r: any) => {
    const w = await each.start(d, r);
    console.log('started');
    return {
      begin() {
        console.log('begin');
        w.begin!();
      },
      disturb: async () => {
        const t = Date.now();
        await w.disturb();
        console.log('disturbed', Date.now() - t);
      },
      finish: async () => {
        console.log('finish');
        await w.finish();
      },
      settled: async () => {
        await w.settled!();
        console.log('settled');
      },
    };
  },
};
console.log(
  await runLive(wrapped as any, { program, scenario: name, directory: mkdtempSync('/tmp/tt-') }, 4, new Random(5)),
);
