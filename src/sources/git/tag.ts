import { isUtf8 } from 'node:buffer';
import type { Person } from './commit.js';

/** What an annotated tag says. */
export interface TagContents {
  /** The object it names; another tag where tags are nested. */
  object: string;
  /** What it leads to once all tags are taken off. */
  target: string;
  tagger?: Person;
  /** Without a signature, and without line breaks at its end. */
  message: string;
}

const SIGNATURE = /^-----BEGIN (?:PGP SIGNATURE|PGP MESSAGE|SSH SIGNATURE|SIGNED MESSAGE)-----$/m;
const IDENTITY = /^(.*?) ?<([^>]*)>(?: (-?\d+) ([+-]\d{4}))?/;

/** A tag object: header lines, an empty line, the message. https://git-scm.com/docs/git-mktag */
export function parseTag(bytes: Buffer, target: string): TagContents {
  const text = bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1');
  const end = text.indexOf('\n\n');
  const headers = end === -1 ? text : text.slice(0, end);
  const message = end === -1 ? '' : text.slice(end + 2);
  const object = /^object ([0-9a-f]+)$/m.exec(headers)?.[1] ?? target;
  const tagger = /^tagger (.*)$/m.exec(headers)?.[1];
  return {
    object,
    target,
    ...(tagger !== undefined && { tagger: parseIdentity(tagger) }),
    message: (message.split(SIGNATURE, 1)[0] ?? '').replace(/\n+$/, ''),
  };
}

function parseIdentity(line: string): Person {
  const [, name = '', email = '', seconds, offset] = IDENTITY.exec(line) ?? [];
  return {
    name,
    email,
    time: seconds === undefined || offset === undefined ? '' : formatTime(Number(seconds), offset),
  };
}

/** As git's strict ISO format: the time of day where the person was, with the offset. */
function formatTime(seconds: number, offset: string): string {
  const sign = offset.startsWith('-') ? -1 : 1;
  const minutes = sign * (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(3)));
  const local = new Date((seconds + minutes * 60) * 1000);
  if (Number.isNaN(local.getTime())) return '';
  return `${local.toISOString().replace(/\.\d+Z$/, '')}${offset.slice(0, 3)}:${offset.slice(3)}`;
}
