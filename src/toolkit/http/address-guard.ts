import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { FatalError } from '../../core/errors.js';

/** Decides which addresses may be connected to. */
export interface AddressGuard {
  /**
   * By the host of a URL, before anything is sent: addresses, and names that mean this machine.
   * @throws FatalError (HTTP_ADDRESS_REFUSED)
   */
  checkHost(host: string): void;
  /** By an address that a host turned out to have. Throws as `checkHost` does. */
  checkAddress(host: string, address: string): void;
  /** Resolves names for `net.connect`; only addresses that pass, so that what is checked is what is connected to. */
  readonly lookup: LookupFunction;
}

export interface PublicAddressesOptions {
  /** What is allowed all the same: host names, addresses, networks ('intranet.example', '10.1.2.3', '10.1.0.0/16'). */
  allow?: readonly string[] | undefined;
  /** Instead of `dns.lookup`. */
  lookup?: typeof systemLookup | undefined;
}

/** IANA special-purpose registries (RFC 6890 and later): not of the public internet. */
const REFUSED = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // carrier-grade NAT, and 100.100.100.200, metadata of Alibaba
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local, and 169.254.169.254, metadata of most clouds
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments, and 192.0.0.192, metadata of Oracle
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
  '::/96', // unspecified, loopback, IPv4-compatible
  '64:ff9b:1::/48', // local NAT64
  '100::/64', // discard
  '2001::/23', // protocol assignments, Teredo among them
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: an IPv4 address of any kind within
  '3fff::/20', // documentation
  '5f00::/16', // segment routing
  'fc00::/7', // unique local, and fd00:ec2::254, metadata of Amazon
  'fe80::/10', // link-local
  'fec0::/10', // site-local
  'ff00::/8', // multicast
];

/** Names that mean this machine or its cloud's metadata, whatever they resolve to. */
const REFUSED_NAME = /(^|\.)localhost$|^metadata(\.google\.internal)?$|^instance-data$/;

const refusedAddresses = networks(REFUSED);

/**
 * Lets connections go to public addresses only: not to this machine, private networks, cloud metadata, nor to such an
 * address dressed as IPv6 (mapped, 6to4, NAT64). Odd spellings of IPv4 (`0x7f.1`, `2130706433`) are no way around it:
 * URLs are normalised before. A name is refused when any of its addresses is.
 *
 * With connections of our own, names are resolved once, and that address is checked and connected to. With a dispatcher
 * of the host, it resolves (a proxy does so elsewhere): then only addresses and names as they stand in the URL are checked.
 */
export function publicAddresses(options: PublicAddressesOptions = {}): AddressGuard {
  const resolve = options.lookup ?? systemLookup;
  const names = new Set((options.allow ?? []).filter((entry) => isName(entry)).map((entry) => entry.toLowerCase()));
  const allowed = networks((options.allow ?? []).filter((entry) => !isName(entry)));

  const checkAddress = (host: string, address: string): void => {
    if (names.has(host) || isIn(allowed, address)) return;
    if (isIP(address) === 0 || isIn(refusedAddresses, address) || isIn(refusedAddresses, embeddedIPv4(address))) {
      throw refusal(host, address);
    }
  };
  const checkHost = (written: string): void => {
    const host = bareHost(written);
    if (names.has(host)) return;
    if (isIP(host) !== 0) checkAddress(host, host);
    else if (REFUSED_NAME.test(host)) throw refusal(host, host);
  };
  const lookup: LookupFunction = (host, lookupOptions, callback) => {
    resolve(host, { ...lookupOptions, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      try {
        checkHost(host);
        for (const { address } of addresses) checkAddress(bareHost(host), address);
      } catch (refused) {
        return callback(refused as Error, []);
      }
      answer(addresses, lookupOptions.all === true, callback);
    });
  };
  return { checkHost, checkAddress: (host, address) => checkAddress(bareHost(host), address), lookup };
}

function answer(addresses: LookupAddress[], isAll: boolean, callback: Parameters<LookupFunction>[2]): void {
  const [first] = addresses;
  if (isAll || first === undefined) callback(null, addresses);
  else callback(null, first.address, first.family);
}

/** 'EXAMPLE.com.' and '[::1]' as they are compared. */
function bareHost(host: string): string {
  return host
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
}

function isName(entry: string): boolean {
  return isIP(entry.split('/')[0] ?? '') === 0;
}

function networks(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    list.addSubnet(address, prefix === undefined ? (family === 'ipv6' ? 128 : 32) : Number(prefix), family);
  }
  return list;
}

function isIn(list: BlockList, address: string | undefined): boolean {
  if (address === undefined) return false;
  return list.check(address.replace(/%.*$/, ''), isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

const MAPPED = networks(['::ffff:0:0/96']);
const NAT64 = networks(['64:ff9b::/96']);

/** The IPv4 address within a mapped (RFC 4291) or NAT64 (RFC 6052) one. Networks with IPv6 only reach everything so. */
function embeddedIPv4(address: string): string | undefined {
  if (isIP(address) !== 6 || !(isIn(MAPPED, address) || isIn(NAT64, address))) return undefined;
  const dotted = /(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  if (dotted !== undefined) return dotted;
  const [high = '', low = ''] = address.split(':').slice(-2);
  const bits = (Number.parseInt(high || '0', 16) << 16) | Number.parseInt(low || '0', 16);
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.');
}

function refusal(host: string, address: string): FatalError {
  const what = host === address ? `"${host}"` : `"${host}" (${address})`;
  return new FatalError(
    `${what} is not a public address, and this source connects to no other: a URL that comes from elsewhere could ` +
      'reach what only this machine may. Where it is meant, allow that host or network in the configuration',
    { code: 'HTTP_ADDRESS_REFUSED' },
  );
}
