import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Redactor } from '../../../../src/sources/logs/api-log/redactor.js';
import { SecretNames } from '../../../../src/sources/logs/api-log/secret-names.js';

const redactor = new Redactor(new SecretNames());

describe('a query', () => {
  test.each([
    ['token=hush', 'token=[redacted]'],
    ['a=1&access_token=hush&b=2', 'a=1&access_token=[redacted]&b=2'],
    ['X-Amz-Signature=hush&X-Amz-Credential=hush', 'X-Amz-Signature=[redacted]&X-Amz-Credential=[redacted]'],
    ['api_key=hush&apikey=hush&key=hush', 'api_key=[redacted]&apikey=[redacted]&key=[redacted]'],
    ['a=1;token=hush', 'a=[redacted]'],
    ['code=hush&state=x', 'code=[redacted]&state=x'],
    ['sig=hush=&se=1', 'sig=[redacted]&se=1'],
    ['%74oken=hush', '%74oken=[redacted]'],
    ['%74ok%ZZen=hush&%74oken%ZZ=hush', '%74ok%ZZen=hush&%74oken%ZZ=[redacted]'],
    ['user[password]=hush', 'user[password]=[redacted]'],
    ['next=%2Flogin%3Ftoken%3Dhush', 'next=[redacted]'],
    ['next=https%3A%2F%2Fu%3Ahush%40a.test%3Fx%3D1', 'next=[redacted]'],
    ['next=%252Fa%253Ftoken%253Dhush', 'next=[redacted]'],
    ['token', 'token'],
    ['token=', 'token=[redacted]'],
    ['monkey=1&keyboard=2&author=3', 'monkey=1&keyboard=2&author=3'],
    ['', ''],
    ['&&=&', '&&=&'],
  ])('%s', (query, redacted) => {
    expect(redactor.query(query)).toBe(redacted);
  });

  test('without secrets stays as it is, byte for byte', () => {
    const harmless = fc.string({ unit: fc.constantFrom(...'abcxyz0189&=+~.-é') });
    fc.assert(fc.property(harmless, (query) => void expect(redactor.query(query)).toBe(query)));
  });

  test('with a secret anywhere among others loses that value and nothing else', () => {
    const name = fc.constantFrom('token', 'API_KEY', 'client_secret', 'Password', 'sig', 'x-auth');
    const pair = fc.constantFrom('a=1', 'b=%20', 'c', '', 'd==');
    fc.assert(
      fc.property(fc.array(pair), name, fc.array(pair), (before, secret, after) => {
        const query = [...before, `${secret}=hush`, ...after].join('&');
        expect(redactor.query(query)).toBe(query.replace('hush', '[redacted]'));
      }),
    );
  });
});

test.each([
  ['https://user:hush@a.test/b?c=1', 'https://[redacted]@a.test/b?c=1'],
  [
    'https://a.test/b?c=1&token=hush#access_token=hush',
    'https://a.test/b?c=1&token=[redacted]#access_token=[redacted]',
  ],
  ['/a;jsessionid=hush/b?c', '/a;jsessionid=[redacted]?c'],
  ['https://a.test/@name', 'https://a.test/@name'],
  ['-', '-'],
])('a URL: %s', (url, redacted) => {
  expect(redactor.url(url)).toBe(redacted);
});

test.each([
  ['Authorization: Bearer hush', 'Authorization: [redacted]'],
  ['Authorization: token hush', 'Authorization: [redacted]'],
  ['"authorization":"Basic aHVzaDpodXNo","a":1', '"authorization":[redacted],"a":1'],
  ['"Cookie":["a=hush; b=hush"],"c":2', '"Cookie":[redacted],"c":2'],
  ['"Cookie":["a=x]hush","hush\\"]hush"],"c":2', '"Cookie":[redacted],"c":2'],
  ['Set-Cookie: a=hush; Path=/', 'Set-Cookie: [redacted]'],
  ['{\\"password\\":\\"hush\\",\\"b\\":1}', '{\\"password\\":[redacted],\\"b\\":1}'],
  ['"x-api-key": \'hush\' z', '"x-api-key": [redacted] z'],
  ['GET /a?code=hush&b=1 from https://u:hush@h/', 'GET /a?code=[redacted]&b=1 from https://[redacted]@h/'],
  ['"code":"ECONNREFUSED","key":"a"', '"code":"ECONNREFUSED","key":"a"'],
  ['sent bearer hush-hush-hush', 'sent bearer [redacted]'],
  ['"auth":{"user":"u","pass":"hush"}', '"auth":{"user":"u","pass":[redacted]}'],
  ['a password was not given', 'a password was not given'],
])('a text: %s', (text, redacted) => {
  expect(redactor.text(text)).toBe(redacted);
});

test('fields lose what their names tell, at any depth, and texts what is in them; keys and order stay', () => {
  const fields = JSON.parse(
    '{"url":"/?token=hush","headers":{"cookie":["hush"],"x":[{"Password":{"a":"hush"}}]},"__proto__":{"secret":"hush"},"n":1,"z":null}',
  );
  const redacted = redactor.value(fields);
  expect(JSON.stringify(redacted)).toBe(
    '{"url":"/?token=[redacted]","headers":{"cookie":"[redacted]","x":[{"Password":"[redacted]"}]},"__proto__":{"secret":"[redacted]"},"n":1,"z":null}',
  );
  expect(JSON.stringify(fields)).toContain('hush');
});

test('names of one’s own count as well, in any spelling', () => {
  const more = new Redactor(new SecretNames(['Customer-Number']));
  expect(more.query('customer_number=hush&customer=1')).toBe('customer_number=[redacted]&customer=1');
  expect(more.value({ customerNumber: 'hush' })).toEqual({ customerNumber: '[redacted]' });
});

test('takes time in proportion to the text, however hostile', () => {
  for (const unit of [
    'a',
    '=',
    ':',
    'token=',
    '%',
    '%25',
    'a://',
    '@',
    '"',
    '\\',
    ' ',
    'bearer ',
    '&',
    '[',
    ';',
    'password":"',
  ]) {
    const text = unit.repeat(300_000 / unit.length);
    redactor.query(text);
    redactor.url(`http://${text}`);
    redactor.text(text);
  }
});
