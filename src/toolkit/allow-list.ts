import { BlockList, isIP, isIPv6 } from 'node:net';

/** Tells senders that may send from others; undefined: all may. */
export type AllowList = (address: string) => boolean;

export function createAllowList(entries: readonly string[] | undefined): AllowList {
  if (entries === undefined) return () => true;
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/');
    if (prefix === undefined) list.addAddress(address, familyOf(address));
    else list.addSubnet(address, Number(prefix), familyOf(address));
  }
  return (address) => list.check(address, familyOf(address));
}

/** Whether text is an address or a subnet: `10.0.0.1`, `10.0.0.0/8`. */
export function isPeer(text: string): boolean {
  const [address = '', prefix, ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
}

/** A socket for IPv6 shows the senders of IPv4 as `::ffff:192.0.2.1`. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}
