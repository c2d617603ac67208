import { redactText, sanitizeCause } from '../../core/secret.js';

/** Query parameters whose values are never shown. */
const SECRET_NAME =
  /token|secret|passw|pwd|credential|signature|session|jwt|(^|[-_.])(auth|authorization|key|sig|code|pass|p)($|[-_.])|apikey/i;
/** Shorter values would take ordinary words out of messages. */
const SHORTEST_SECRET = 6;
const LONGEST_URL = 400;

/** Takes out of what is shown the credentials that were sent, and what looks like some. */
export class Redaction {
  readonly #secrets = new Set<string>();

  /** Remembers a value that was sent as a credential, and the forms in which it may come back. */
  add(value: string): void {
    for (const part of [value, ...value.split(/[\s;,=]+/), ...decodedBasic(value)]) {
      if (part.length < SHORTEST_SECRET) continue;
      this.#secrets.add(part);
      this.#secrets.add(encodeURIComponent(part));
    }
  }

  text(text: string): string {
    let shown = text;
    // The longest first: one may contain another.
    for (const secret of [...this.#secrets].sort((left, right) => right.length - left.length)) {
      shown = shown.replaceAll(secret, '[secret]');
    }
    return redactText(shown);
  }

  /** A URL for messages: no user info, no fragment, no values of parameters that look like secrets, no endless length. */
  url(url: URL): string {
    return this.text(redactUrl(url, (value) => [...this.#secrets].some((secret) => value.includes(secret))));
  }

  /** A copy of an error for `cause`: no headers, no bodies, none of the secrets. */
  cause(error: unknown): unknown {
    const copy = sanitizeCause(error);
    for (let at: unknown = copy; at instanceof Error; at = at.cause) {
      at.message = this.text(at.message);
      if (at.stack !== undefined) at.stack = this.text(at.stack);
    }
    return copy;
  }
}

/** See `Redaction.url`, for a URL that no request was made of. */
export function redactUrl(url: URL, isSecret: (value: string) => boolean = () => false): string {
  const query = [...url.searchParams].map(([name, value]) => {
    const isHidden = SECRET_NAME.test(name) || isSecret(value);
    return `${encodeURIComponent(name)}=${isHidden ? '[secret]' : shown(value)}`;
  });
  const text = `${url.origin}${url.pathname}${query.length > 0 ? `?${query.join('&')}` : ''}`;
  return redactText(text.length > LONGEST_URL ? `${text.slice(0, LONGEST_URL)}…` : text);
}

/** Tokens of pages and the like, which say nothing to a reader, are cut. */
function shown(value: string): string {
  const encoded = encodeURIComponent(value).replaceAll('%3A', ':').replaceAll('%2F', '/').replaceAll('%2C', ',');
  return encoded.length > 60 ? `${encoded.slice(0, 40)}…` : encoded;
}

/** `Basic dXNlcjpwYXNz` holds a password that may come back in the clear. */
function decodedBasic(value: string): string[] {
  const encoded = /^basic\s+(\S+)$/i.exec(value)?.[1];
  if (encoded === undefined) return [];
  const decoded = Buffer.from(encoded, 'base64').toString();
  return [decoded, decoded.slice(decoded.indexOf(':') + 1)];
}
