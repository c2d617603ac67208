import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAnnotatedCsv } from '../../../../src/sources/metrics/influxdb/annotated-csv.js';

// As the specification prints them: https://docs.influxdata.com/influxdb/cloud/reference/syntax/annotated-csv/
const TWO_TABLES = `#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,string,double
#group,false,false,true,true,false,true,false
#default,my-result,,,,,,
,result,table,_start,_stop,_time,region,_value
,,0,2022-12-31T05:41:24Z,2023-01-01T05:41:24Z,2022-12-31T08:00:00Z,east,15.43
,,0,2022-12-31T05:41:24Z,2023-01-01T05:41:24Z,2022-12-31T08:20:00Z,east,59.25

#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,string,string,double
#group,false,false,true,true,false,true,true,false
#default,my-result,,,,,,,
,result,table,_start,_stop,_time,location,device,min
,,1,2022-12-31T05:41:24Z,2023-01-01T05:41:24Z,2022-12-31T08:00:00Z,"west, far","a ""b""
c",15.43
`;

const REPORTED = `#datatype,string,long
,error,reference
,Failed to parse query,897
`;

describe('annotated CSV', () => {
  it('IF1: tables whose columns differ, defaults, quoted commas, quotes and newlines', () => {
    const [first, second, ...others] = parseAnnotatedCsv(TWO_TABLES);
    expect(others).toEqual([]);
    expect(first?.columns).toEqual(['result', 'table', '_start', '_stop', '_time', 'region', '_value']);
    expect(first?.datatypes[6]).toBe('double');
    expect(first?.groups).toEqual([false, false, true, true, false, true, false]);
    expect(first?.rows.map((row) => [row[0], row[6]])).toEqual([
      ['my-result', '15.43'],
      ['my-result', '59.25'],
    ]);
    expect(second?.rows).toEqual([
      [
        'my-result',
        '1',
        '2022-12-31T05:41:24Z',
        '2023-01-01T05:41:24Z',
        '2022-12-31T08:00:00Z',
        'west, far',
        'a "b"\nc',
        '15.43',
      ],
    ]);
  });

  it('reads lines that end with CR LF, the same', () => {
    const crlf = TWO_TABLES.replaceAll('\n', '\r\n');
    const cells = (text: string): unknown => parseAnnotatedCsv(text).map(({ rows }) => rows.map((row) => row[0]));
    expect(cells(crlf)).toEqual(cells(TWO_TABLES));
  });

  it('IF1: an error is thrown, wherever it stands', () => {
    const error = { kind: 'reported', message: 'Failed to parse query' };
    expect(() => parseAnnotatedCsv(REPORTED)).toThrow(expect.objectContaining(error));
    expect(() => parseAnnotatedCsv(`${TWO_TABLES}\n${REPORTED}`)).toThrow(expect.objectContaining(error));
    expect(() => parseAnnotatedCsv('error,reference\nFailed to parse query,897\n')).toThrow(
      expect.objectContaining(error),
    );
  });

  it('a header without annotations keeps those before', () => {
    const tables = parseAnnotatedCsv('#datatype,long\n#group,true\n,a\n,1\n\n,b\n,2\n');
    expect(tables.map(({ columns, datatypes, groups }) => [columns, datatypes, groups])).toEqual([
      [['a'], ['long'], [true]],
      [['b'], ['long'], [true]],
    ]);
  });

  it('refuses what is cut off, or of another shape', () => {
    for (const text of [',a,b\n,1\n', ',a\n,1,2\n', ',a\n,"1', ',a\n,"1"2\n', '#group,true,true\n,a\n,1\n']) {
      expect(() => parseAnnotatedCsv(text)).toThrow(expect.objectContaining({ kind: 'malformed' }));
    }
  });

  it('gives back every cell that was written', () => {
    const cell = fc
      .string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', 'é', '#') })
      .filter((text) => text !== '');
    const rows = fc.array(fc.tuple(cell, cell), { minLength: 1 });
    const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`;
    fc.assert(
      fc.property(rows, (all) => {
        const text = `,a,b\n${all.map((row) => `,${row.map(quote).join(',')}\n`).join('')}`;
        expect(parseAnnotatedCsv(text)[0]?.rows).toEqual(all);
      }),
    );
  });

  it('throws nothing but errors of its own, whatever it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', '#group', 'error') }), (text) => {
        try {
          parseAnnotatedCsv(text);
        } catch (error) {
          expect((error as Error).name).toBe('AnnotatedCsvError');
        }
      }),
    );
  });
});
