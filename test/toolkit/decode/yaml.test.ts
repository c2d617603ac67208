import { expect, it } from 'vitest';
import { yaml } from '../../../src/toolkit/decode/yaml.js';
import { decode, decodeWith, plain, records } from './reading.js';

it.each([
  ['a mapping', 'a: 1\nb: [x, y]\n', [{ a: 1, b: ['x', 'y'] }]],
  ['documents', 'a: 1\n---\nb: 2\n...\n---\n- 3\n- 4\n', [{ a: 1 }, { b: 2 }, 3, 4]],
  ['nothing', '', []],
  ['comments only', '# nothing\n', []],
  ['text that looks like a date', 'at: 2026-01-02T03:04:05Z\n', [{ at: '2026-01-02T03:04:05Z' }]],
  ['numbers that JSON cannot hold', '[.nan, .inf, -.inf, 1]', ['NaN', 'Infinity', '-Infinity', 1]],
  ['anchors', 'a: &x {b: 1}\nc: *x\n', [{ a: { b: 1 }, c: { b: 1 } }]],
  ['a mistake, and the documents around it', 'a: 1\n---\nb: [\n---\nc: 3\n', [{ a: 1 }, 'YAML_SYNTAX', { c: 3 }]],
  ['UTF-16', Buffer.from('\ufeffa: 1', 'utf16le'), ['INVALID_ENCODING']],
  ['bytes that are not UTF-8', Buffer.from('a: \xe9', 'latin1'), ['INVALID_ENCODING']],
])('%s', async (_, text, expected) => {
  for (const chunk of [3, 1_000]) expect(records(await decode(yaml(), text, { chunk }))).toEqual(expected);
});

it('goes on after any record, with exactly the rest', async () => {
  const text = 'a: 1\n---\n- 3\n- 4\n---\nb: 2\n';
  const { items, positions } = await decodeWith(yaml(), text);
  expect(items.map(({ line }) => line)).toEqual([1, 3, 4, 6]);
  for (const [index, position] of positions.entries()) {
    expect(plain(await decode(yaml(), text, { position }))).toEqual(plain(items.slice(index + 1)));
  }
});

it('YM1: an alias bomb is refused', async () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];
  const lines = names.map(
    (name, index) =>
      `${name}: &${name} [${Array(9)
        .fill(index === 0 ? 'x' : `*${names[index - 1]}`)
        .join(', ')}]`,
  );
  const [item] = await decode(yaml(), lines.join('\n'));
  expect(item?.error).toMatchObject({ code: 'YAML_ALIASES' });
});

it('YM1: a merge bomb is plain data: merge keys are not followed', async () => {
  const text = 'a: &a {x: 1}\nb: &b {<<: [*a, *a]}\n';
  expect(records(await decode(yaml(), text))).toEqual([{ a: { x: 1 }, b: { '<<': [{ x: 1 }, { x: 1 }] } }]);
});

it('YM1: 5 MB are refused before they are parsed', async () => {
  const decoder = await yaml().open();
  const [item] = decoder.push(Buffer.alloc(5_000_000, 'a: 1\n'));
  expect(item?.error).toMatchObject({ code: 'RECORD_TOO_LARGE' });
  expect(decoder.isDone).toBe(true);
});

it('YM1: tags of their own are refused', async () => {
  expect(records(await decode(yaml(), 'a: !!js/function "x"\n'))).toEqual(['YAML_TAG']);
  expect(records(await decode(yaml(), 'a: !mine x\n'))).toEqual(['YAML_TAG']);
});

it('YM1: a nesting that is too deep is refused', async () => {
  expect(records(await decode(yaml(), '['.repeat(200) + ']'.repeat(200)))).toEqual(['RECORD_TOO_DEEP']);
  const [item, ...others] = await decode(yaml(), '['.repeat(20_000) + ']'.repeat(20_000));
  expect(item?.error).toBeDefined();
  expect(others).toEqual([]);
});

it('YM1: brackets without end are refused; composing them would end the process', async () => {
  for (const text of ['[', '{a: ', '- ', '? ', '[{a: ']) {
    expect(records(await decode(yaml(), text.repeat(20_000)))).toEqual(['RECORD_TOO_DEEP']);
    expect(records(await decode(yaml({ maxDepth: 1_000_000 }), text.repeat(20_000)))).toEqual(['RECORD_TOO_DEEP']);
  }
  expect(records(await decode(yaml(), `a: 1\n---\n${'['.repeat(500)}${']'.repeat(500)}\n---\nb: 2\n`))).toEqual([
    { a: 1 },
    'RECORD_TOO_DEEP',
    { b: 2 },
  ]);
});

it('YM1: many keys, anchors and documents cost what they are long, not its square', async () => {
  const of = (count: number, line: (index: number) => string): string =>
    Array.from({ length: count }, (_, index) => line(index)).join('');
  const [item] = await decode(
    yaml(),
    of(60_000, (index) => `key${index}: 1\n`),
  );
  expect(Object.keys(item?.record as object)).toHaveLength(60_000);
  const anchored = await decode(
    yaml(),
    of(9_000, (index) => `- &a${index} x\n- *a${index}\n`),
  );
  expect(anchored.filter(({ record }) => record === 'x')).toHaveLength(18_000);
  expect(
    await decode(
      yaml(),
      of(20_000, () => 'a\n---\n'),
    ),
  ).toHaveLength(20_001);
});

it.each([
  ['binary', 'a: !!binary aGVsbG8=\n', 'YAML_TAG'],
  ['a date by its tag', 'a: !!timestamp 2001-01-01\n', 'YAML_TAG'],
  ['a set', 'a: !!set {x, y}\n', 'YAML_TAG'],
  ['an ordered map', 'a: !!omap [x: 1]\n', 'YAML_TAG'],
  ['merging by its tag', 'a: &a {x: 1}\nb: {!!merge <<: *a}\n', 'YAML_TAG'],
  ['a key twice', 'a: 1\nb: 2\na: 3\n', 'YAML_SYNTAX'],
  ['keys that are one as text', '1: a\n"1": b\n', 'YAML_SYNTAX'],
  ['an alias of nothing', 'a: *nothing\n', 'YAML_SYNTAX'],
  ['an anchor that contains itself', 'a: &a [*a]\n', 'YAML_SYNTAX'],
])('%s is refused, since as JSON it would be something else', async (_, text, code) => {
  expect(records(await decode(yaml(), text))).toEqual([code]);
});

it('what JSON has no form for is text, also in documents of YAML 1.1', async () => {
  expect(records(await decode(yaml(), 'a: 12345678901234567890\nb: 0x10\nc: -7\n'))).toEqual([
    { a: '12345678901234567890', b: 16, c: -7 },
  ]);
  expect(records(await decode(yaml(), '%YAML 1.1\n---\na: 2001-01-01\nb: yes\n'))).toEqual([
    { a: '2001-01-01', b: 'yes' },
  ]);
});

it('an alias is a copy: changing one record changes no other', async () => {
  const [first, second] = records(await decode(yaml(), '- &a {x: {y: 1}}\n- *a\n')) as { x: object }[];
  expect(second).toEqual(first);
  expect(second?.x).not.toBe(first?.x);
});

it('offsets are bytes, and each element has its own line', async () => {
  const text = '\ufeff- ä\n- 日本\n- 😀 b\n- c\n';
  const bytes = Buffer.from(text);
  const items = await decode(yaml(), bytes);
  expect(items.map(({ offset, end }) => bytes.toString('utf8', offset, end))).toEqual(['ä', '日本', '😀 b', 'c']);
  expect(items.map(({ line }) => line)).toEqual([1, 2, 3, 4]);
});

it('PP1: __proto__ is data', async () => {
  const [item] = await decode(
    yaml(),
    '__proto__: {polluted: 1}\nconstructor: {prototype: {polluted: 1}}\n? __proto__x\n: .nan\n',
  );
  expect(Object.keys(item?.record as object)).toEqual(['__proto__', 'constructor', '__proto__x']);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  expect(Object.keys(Object.prototype)).toEqual([]);
});
