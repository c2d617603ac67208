import { isUtf8 } from 'node:buffer';
import { parseJson } from '../json-body.js';
import type { WebhookRequest } from '../provider.js';

/** What a body was taken for, by its content type. */
export type BodyForm = 'json' | 'form' | 'text' | 'base64';

/** @throws DecodeError where it is said to be JSON and is none. */
export function decodeBody(request: WebhookRequest): { body: unknown; form: BodyForm } {
  const { content } = request;
  const type = (request.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (type === 'application/json' || type.endsWith('+json')) return { body: parseJson(content), form: 'json' };
  if (!isUtf8(content)) return { body: content.toString('base64'), form: 'base64' };
  const text = content.toString('utf8');
  if (type !== 'application/x-www-form-urlencoded') return { body: text, form: 'text' };
  return { body: fieldsOf(text), form: 'form' };
}

/** A field that is there several times is a list. */
function fieldsOf(text: string): Readonly<Record<string, string | string[]>> {
  const form = new URLSearchParams(text);
  return Object.fromEntries(
    [...new Set(form.keys())].map((name) => {
      const values = form.getAll(name);
      return [name, values.length === 1 ? (values[0] as string) : values];
    }),
  );
}
