import { request } from 'node:http';
import { serve } from './served.js';

/** What the sites are told to send: in a process of their own, so that their time is not the monitor's. */
export interface SitesOrder {
  readonly base: string;
  readonly sites: readonly { readonly id: string; readonly key: string }[];
  readonly modules: number;
  /** Versions of all modules, a sync each, one after another. */
  readonly versions: readonly string[];
  /** All sites at once, or one after another. */
  readonly atOnce: boolean;
}

export interface SitesReply {
  readonly failures: number;
  /** Of each sync, in milliseconds. */
  readonly took: readonly number[];
}

serve<SitesOrder, SitesReply>(async ({ base, sites, modules, versions, atOnce }) => {
  const bodies = versions.map((version) => toBody(modules, version));
  const took: number[] = [];
  let failures = 0;
  const sendAll = async ({ id, key }: SitesOrder['sites'][number]): Promise<void> => {
    for (const body of bodies) {
      const before = performance.now();
      if ((await send(`${base}/${id}/modules/sync`, key, body)) !== 200) failures += 1;
      took.push(performance.now() - before);
    }
  };
  if (atOnce) await Promise.all(sites.map(sendAll));
  else for (const site of sites) await sendAll(site);
  return { failures, took };
});

function toBody(count: number, version: string): string {
  const modules = Array.from({ length: count }, (_, index) => ({ name: nameOf(index), type: 'module', version }));
  const site = { url: 'https://shop.example', platform: 'drupal', platformVersion: '10.3.1' };
  return JSON.stringify({ mode: 'full', site, modules });
}

function nameOf(index: number): string {
  return `module_with_a_name_${index}`;
}

function send(url: string, key: string, body: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'x-api-key': key, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    request(url, { method: 'POST', headers }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    })
      .on('error', reject)
      .end(body);
  });
}
