/** A name that holds one of these holds a secret. Compared without case and punctuation. */
const PARTS = [
  'token',
  'secret',
  'password',
  'passwd',
  'passphrase',
  'apikey',
  'accesskey',
  'privatekey',
  'signature',
  'authorization',
  'credential',
  'cookie',
  'sessionid',
  'assertion',
];
/** These are secrets when they are the whole name; `sig` is that of shared links of Azure. */
const NAMES = ['sig', 'auth', 'pass', 'pwd', 'jwt', 'otp', 'sid', 'xauth'];
/** The same in a query, where `code` is that of OAuth; elsewhere they name harmless things, such as the code of an error. */
const IN_QUERIES: ReadonlySet<string> = new Set(['key', 'code', 'session']);
const MOST_REMEMBERED = 1_000;
const LONGEST = 256;

/** Tells by its name whether a parameter, header or field holds a secret. */
export class SecretNames {
  readonly #names: ReadonlySet<string>;
  readonly #fields = new Map<string, boolean>();
  readonly #parameters = new Map<string, boolean>();

  /** @param more - names besides those that are known; each has to be the whole name. */
  constructor(more: readonly string[] = []) {
    this.#names = new Set([...NAMES, ...more.map(plain)]);
  }

  /** Of a field, a header, or anything else with a value. */
  has(name: string): boolean {
    return remembered(this.#fields, name, (found) => this.#isSecret(found));
  }

  /** Of a parameter of a query. The name may be percent-encoded. */
  hasInQuery(name: string): boolean {
    return remembered(this.#parameters, name, (found) => IN_QUERIES.has(found) || this.#isSecret(found));
  }

  #isSecret(name: string): boolean {
    return this.#names.has(name) || PARTS.some((part) => name.includes(part));
  }
}

/** The same names come again and again; a hostile client sends others, so there is a limit. */
function remembered(known: Map<string, boolean>, name: string, find: (plain: string) => boolean): boolean {
  const before = known.get(name);
  if (before !== undefined) return before;
  const isSecret = find(plain(decoded(name)));
  if (known.size < MOST_REMEMBERED && name.length <= LONGEST) known.set(name, isSecret);
  return isSecret;
}

/** 'X-API-Key' and 'x_api_key' are the same. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

/** As it is where it is not percent-encoded text. */
export function decoded(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    // Each byte for itself, so that one bad escape does not hide the others.
    return text.replace(/%([0-7][0-9a-f])/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  }
}
