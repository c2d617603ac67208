import { xml } from '../../../toolkit/decode/xml.js';
import { badPayload, isObject, type Payload } from '../payload.js';

const SENDER = 'the Notification plugin of Jenkins';
const NUMBERS = new Set(['number', 'queue_id', 'timestamp', 'duration', 'total', 'failed', 'passed', 'skipped']);
const TEXTS_BY_NAME = new Set(['parameters', 'artifacts']);
const LISTS = new Set(['changes', 'culprits', 'failed_tests']);

/**
 * What XStream wrote, as the plugin would have written it in JSON: `<fullUrl>` is `full_url`, maps are objects, numbers are
 * numbers. A document type declaration is refused.
 *
 * @throws DecodeError for what is no XML, or too deep
 * @throws MissingPeerError without the package `saxes`
 */
export async function readJenkinsXml(content: Buffer): Promise<Payload> {
  // How large it may be was decided before.
  const decoder = await xml({ records: '*', maxRecordBytes: Number.POSITIVE_INFINITY }).open();
  const items = [...decoder.push(content), ...decoder.finish()];
  const failed = items.find((item) => item.error !== undefined);
  if (failed?.error !== undefined) throw failed.error;
  const root = items[0]?.record;
  if (!isObject(root)) throw badPayload(SENDER, 'the body is XML without elements');
  return toObject(root);
}

function toObject(element: Payload): Payload {
  const members = Object.entries(element).filter(([name]) => !name.startsWith('@') && name !== '#text');
  return Object.fromEntries(
    members.map(([name, value]) => {
      const key = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      return [key, toValue(key, value)];
    }),
  );
}

function toValue(key: string, value: unknown): unknown {
  if (TEXTS_BY_NAME.has(key)) return toMap(value);
  if (LISTS.has(key)) return isObject(value) ? listOf(value['string']) : [];
  if (isObject(value)) return toObject(value);
  return NUMBERS.has(key) && typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
}

/** `<entry><string>key</string>value</entry>`, where the value is another `<string>` or a `<map>`. */
function toMap(value: unknown): Payload {
  const entries = isObject(value) ? listOf(value['entry']).filter(isObject) : [];
  return Object.fromEntries(
    entries.flatMap((entry) => {
      const [key, text] = listOf(entry['string']);
      if (typeof key !== 'string') return [];
      return [[key, 'map' in entry ? toMap(entry['map']) : text]];
    }),
  );
}

/** An element that is there once is no array. */
function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
