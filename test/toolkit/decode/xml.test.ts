import { describe, expect, it } from 'vitest';
import { xml } from '../../../src/toolkit/decode/xml.js';
import { decode, decodeWith, plain, records } from './reading.js';

const CATALOG = `<?xml version="1.0" encoding="utf-8"?>
<catalog>
  <book id="1"><title>Ä &amp; B</title><author>x</author><author>y</author></book>
  <book id="2"><title><![CDATA[<raw>]]></title>text</book>
  <note>plain</note>
  <book/>
</catalog>
`;

it('elements at a path are records, whatever the chunks', async () => {
  const expected = [
    { '@id': '1', title: 'Ä & B', author: ['x', 'y'] },
    { '@id': '2', title: '<raw>', '#text': 'text' },
    '',
  ];
  for (const chunk of [1, 2, 7, 1_000]) {
    expect(records(await decode(xml({ records: '/catalog/book' }), CATALOG, { chunk }))).toEqual(expected);
    expect(records(await decode(xml(), CATALOG, { chunk }))).toEqual([...expected.slice(0, 2), 'plain', '']);
  }
  expect(records(await decode(xml({ records: 'catalog/*/title' }), CATALOG))).toEqual(['Ä & B', '<raw>']);
});

it('goes on after any record, with exactly the rest', async () => {
  const { items, positions } = await decodeWith(xml(), CATALOG);
  expect(items.map(({ line }) => line)).toEqual([3, 4, 5, 6]);
  for (const [index, position] of positions.entries()) {
    expect(plain(await decode(xml(), CATALOG, { position }))).toEqual(plain(items.slice(index + 1)));
  }
});

describe('XM1', () => {
  it.each([
    ['billion laughs', '<!DOCTYPE r [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><r><x>&b;</x></r>', 'XML_DOCTYPE'],
    ['an external entity', '<!DOCTYPE r SYSTEM "file:///etc/passwd"><r><x/></r>', 'XML_DOCTYPE'],
    ['a repeated DOCTYPE', '<!DOCTYPE r><!DOCTYPE r [<!ENTITY a "x">]><r/>', 'XML_DOCTYPE'],
    ['an entity of its own', '<r><x>&mine;</x></r>', 'XML_SYNTAX'],
    ['a million numeric entities', `<r><x>${'&#65;'.repeat(1_000_000)}</x></r>`, 'RECORD_TOO_LARGE'],
    [
      'a million attributes',
      `<r><x ${Array.from({ length: 5_000 }, (_, index) => `a${index}="1"`).join(' ')}/></r>`,
      'XML_ATTRIBUTES',
    ],
    ['depth', '<a>'.repeat(1_000), 'RECORD_TOO_DEEP'],
    ['not well-formed', '<r><x></r>', 'XML_SYNTAX'],
    ['cut off', '<r><x>', 'XML_SYNTAX'],
    ['another encoding', '<?xml version="1.0" encoding="iso-8859-15"?><r><x/></r>', 'INVALID_ENCODING'],
    ['bytes that are not UTF-8', Buffer.from('<r><x>\xe9</x></r>', 'latin1'), 'INVALID_ENCODING'],
    ['binary', '<r><x>\0</x></r>', 'BINARY'],
  ])('%s is refused', async (_, text, code) => {
    expect(records(await decode(xml(), text))).toEqual([code]);
  });

  it('what came before a mistake is delivered', async () => {
    const items = await decode(xml(), '<r><x>1</x>\n<x>2</x>\n<x>3</y></r>');
    expect(records(items)).toEqual(['1', '2', 'XML_SYNTAX']);
    expect(items[2]?.error?.at.line).toBe(3);
  });
});

it('what is found does not depend on the chunks, and offsets are bytes', async () => {
  const files: [string | Uint8Array, ...string[]][] = [
    ['\ufeff<r>\r\n<x a="1"\r\n>ä😀</x>\r\n <日\r\n/><y>2</y></r>', '<x a="1"\r\n>ä😀</x>', '<日\r\n/>', '<y>2</y>'],
    ['<r>ä<x>1</x><x>日<b/></y></r>', '<x>1</x>'],
    ['<r><x>1</x>', '<x>1</x>'],
    ['<r><x>1</x><x>2</x>', '<x>1</x>', '<x>2</x>'],
    ['<r><x>1</x></r><r/>', '<x>1</x>'],
    ['<r><x>1</x>\0', '<x>1</x>'],
    [Buffer.from('<r><x>1</x>\n<x>\xe9</x></r>', 'latin1'), '<x>1</x>'],
    [`<r><x>1</x><x>${'2'.repeat(3_000)}</x><x>3</x></r>`, '<x>1</x>'],
    [`<r><x>1</x><!--${'2'.repeat(3_000)}--><x>3</x></r>`, '<x>1</x>'],
    [`<r><x>1</x><x>${'2'.repeat(3_000)}<</x></r>`, '<x>1</x>'],
  ];
  for (const [text, ...expected] of files) {
    const bytes = Buffer.from(text as string);
    const whole = await decode(xml({ maxRecordBytes: 1_000 }), bytes, { chunk: 1_000_000 });
    const found = whole.filter(({ error }) => error === undefined);
    expect(found.map(({ offset, end }) => bytes.toString('utf8', offset, end))).toEqual(expected);
    expect(whole.map(({ index }) => index)).toEqual(whole.map((_, index) => index));
    for (const chunk of [1, 2, 5, 64, 700]) {
      const { items, positions } = await decodeWith(xml({ maxRecordBytes: 1_000 }), bytes, { chunk });
      expect(plain(items)).toEqual(plain(whole));
      for (const [index, position] of positions.entries()) {
        const rest = await decode(xml({ maxRecordBytes: 1_000 }), bytes, { chunk, position });
        expect(plain(rest)).toEqual(plain(whole.slice(index + 1)));
      }
    }
  }
});

it('what stands between few records may be of any size', async () => {
  const text = `<r>${'<a><b>1</b></a>'.repeat(1_000)}<z>1</z>${'<a/>'.repeat(1_000)}<z>2</z></r>`;
  for (const chunk of [100, 1_000_000])
    expect(records(await decode(xml({ records: 'r/z', maxRecordBytes: 100 }), text, { chunk }))).toEqual(['1', '2']);
});

it('Latin-1 is read where the declaration says so', async () => {
  const bytes = Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><r>\xe9<x>\xe9</x><x/></r>', 'latin1');
  for (const chunk of [1, 1_000]) {
    const items = await decode(xml(), bytes, { chunk });
    expect(records(items)).toEqual(['é', '']);
    expect(items.map(({ offset, end }) => bytes.toString('latin1', offset, end))).toEqual(['<x>\xe9</x>', '<x/>']);
  }
});

it('PP1: an element and an attribute called __proto__ are data', async () => {
  const [item] = await decode(
    xml(),
    '<r><x __proto__="1"><__proto__><polluted>1</polluted></__proto__><constructor/></x></r>',
  );
  expect(Object.keys(item?.record as object)).toEqual(['@__proto__', '__proto__', 'constructor']);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

it('an empty file has no records', async () => {
  expect(await decode(xml(), '')).toEqual([]);
});
