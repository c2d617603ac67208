import { DecodeError } from '../../core/errors.js';
import type { GithubAccount, GithubPerson } from './data.js';

/** A JSON object as GitHub sent it. Read leniently: fields come and go, and Enterprise servers are older. */
export type Payload = Readonly<Record<string, unknown>>;

/** @throws DecodeError when it is no object */
export function payloadOf(value: unknown): Payload {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Payload;
  throw new DecodeError('GitHub sent something that is no object where it lists what it has', {
    code: 'GITHUB_ANSWER',
    at: {},
  });
}

/** An object within; empty where there is none. */
export function part(payload: Payload, name: string): Payload {
  const value = payload[name];
  return typeof value === 'object' && value !== null ? (value as Payload) : {};
}

/** Text, '' where there is none. */
export function text(payload: Payload, name: string): string {
  return textOrNull(payload, name) ?? '';
}

export function textOrNull(payload: Payload, name: string): string | null {
  const value = payload[name];
  return typeof value === 'string' ? value : null;
}

/** A number, 0 where there is none. */
export function number(payload: Payload, name: string): number {
  return numberOrNull(payload, name) ?? 0;
}

export function numberOrNull(payload: Payload, name: string): number | null {
  const value = payload[name];
  return typeof value === 'number' ? value : null;
}

export function flag(payload: Payload, name: string): boolean {
  return payload[name] === true;
}

export function parts(payload: Payload, name: string): Payload[] {
  const value = payload[name];
  return Array.isArray(value) ? value.map((each) => (typeof each === 'object' && each !== null ? each : {})) : [];
}

/** null for an account that is gone ("ghost"), or a mail address without one. */
export function account(payload: Payload, name: string): GithubAccount | null {
  const found = part(payload, name);
  const login = textOrNull(found, 'login');
  return login === null ? null : { id: number(found, 'id'), login, type: text(found, 'type') || 'User' };
}

/** The last part of a URL, as in `…/issues/12`: 0 where it is no number. */
export function numberAtEnd(payload: Payload, name: string): number {
  return Number(/\/(\d{1,15})$/.exec(text(payload, name))?.[1] ?? 0);
}

export function person(commit: Payload, payload: Payload, name: 'author' | 'committer'): GithubPerson {
  const signature = part(commit, name);
  const login = textOrNull(part(payload, name), 'login');
  const found = { name: text(signature, 'name'), email: text(signature, 'email'), time: text(signature, 'date') };
  return login === null ? found : { ...found, login };
}
