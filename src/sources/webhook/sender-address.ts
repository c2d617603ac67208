import { isIP } from 'node:net';
import { type AllowList, plainAddress } from '../../toolkit/allow-list.js';

/**
 * Where a request comes from: the nearest address that is no proxy of ours. What `x-forwarded-for` says is believed only
 * as far as trusted proxies have written it; anybody can send that header.
 */
export function addressBehind(
  peer: string,
  header: (name: string) => string | undefined,
  isTrustedProxy: AllowList,
): string {
  let address = peer;
  if (!isTrustedProxy(address)) return address;
  const hops = (header('x-forwarded-for') ?? '').split(',').reverse();
  for (const hop of hops) {
    const next = plainAddress(hop.trim());
    if (isIP(next) === 0) return address;
    address = next;
    if (!isTrustedProxy(address)) return address;
  }
  return address;
}
