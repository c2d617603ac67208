const MOST_BYTES = 16_384;

/** What the body of an error says, in one line: the field of a JSON error that holds the message, or plain text. */
export function describeBody(contentType: string | undefined, body: Uint8Array): string {
  if (body.length === 0) return '';
  const text = Buffer.from(body.subarray(0, MOST_BYTES)).toString();
  if (/html/i.test(contentType ?? '') || /^\s*<(!doctype|html|head|body)/i.test(text)) return 'an HTML page';
  return oneLine(messageIn(text) ?? text);
}

function messageIn(text: string): string | undefined {
  try {
    return messageOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** As GitHub, OAuth (RFC 6749), Slack, Prometheus, InfluxDB and RFC 9457 write it. */
function messageOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  for (const name of ['message', 'error_description', 'detail', 'error', 'title']) {
    const found = messageOf(fields[name]);
    if (found !== undefined && found !== '') return found;
  }
  return Array.isArray(fields['errors']) ? messageOf(fields['errors'][0]) : undefined;
}

function oneLine(text: string): string {
  return text.replace(/[\p{C}\s]+/gu, ' ').trim();
}
