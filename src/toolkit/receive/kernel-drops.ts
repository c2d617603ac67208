import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { endianness } from 'node:os';

/**
 * How many datagrams the system has dropped for a socket because its buffer was full, since it was opened; undefined
 * where the system does not tell. Linux shows it in the last column of /proc/net/udp and udp6.
 * @see https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html
 */
export async function kernelDrops(address: {
  readonly host: string;
  readonly port: number;
}): Promise<number | undefined> {
  const file = isIPv6(address.host) ? '/proc/self/net/udp6' : '/proc/self/net/udp';
  const table = await readFile(file, 'latin1').catch(() => '');
  return dropsIn(table, `${hexadecimal(address.host)}:${address.port.toString(16).toUpperCase().padStart(4, '0')}`);
}

/** The last column of the row whose second is the local address. */
export function dropsIn(table: string, localAddress: string): number | undefined {
  for (const line of table.split('\n')) {
    const columns = line.trim().split(/\s+/);
    if (columns[1] === localAddress) return Number(columns.at(-1));
  }
  return undefined;
}

/** The table shows addresses as numbers of 32 bits, in the order of the machine. */
export function hexadecimal(host: string): string {
  const bytes = isIPv6(host) ? bytesOfIPv6(host) : host.split('.').map(Number);
  const buffer = Buffer.from(bytes);
  return (endianness() === 'LE' ? buffer.swap32() : buffer).toString('hex').toUpperCase();
}

function bytesOfIPv6(host: string): number[] {
  const [address = ''] = host.split('%');
  const [before = '', after] = address.split('::');
  const head = groupsOf(before);
  const tail = after === undefined ? [] : groupsOf(after);
  const zeros = Array.from({ length: 16 - head.length - tail.length }, () => 0);
  return [...head, ...zeros, ...tail];
}

function groupsOf(text: string): number[] {
  return text
    .split(':')
    .filter((group) => group !== '')
    .flatMap((group) => {
      if (group.includes('.')) return group.split('.').map(Number);
      const value = Number.parseInt(group, 16);
      return [value >> 8, value & 0xff];
    });
}
