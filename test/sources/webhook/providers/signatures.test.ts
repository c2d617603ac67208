import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RequestFields, request, unread } from './request.js';
import { type Message, type Sender, senders } from './senders.js';

const NOW = 1_700_000_000;
const REFUSED = { reason: expect.any(String) };

/** Bodies that a program which reads before it verifies would have changed. */
const AWKWARD: readonly (readonly [string, Uint8Array])[] = [
  ['a byte order mark', Buffer.from('\ufeff{"a":1}')],
  ['line ends of two characters', Buffer.from('{\r\n"a": 1\r\n}\r\n')],
  ['a NUL', Buffer.from('{"a":"\u0000"}')],
  ['invalid UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0xc0, 0x7d])],
  ['a key that is there twice', Buffer.from('{"a":1,"a":2}')],
  ['nothing', Buffer.alloc(0)],
];

describe.each(senders.map((sender) => [[sender.name, sender.way].filter(Boolean).join(', '), sender] as const))(
  'signatures: %s',
  (_, sender) => {
    const [first, second] = [sender.newSecret(), sender.newSecret()];
    const provider = sender.create([first.known]);
    const message = (fields: Partial<Message> = {}): Message => ({
      id: 'msg_1',
      seconds: NOW,
      body: Buffer.from(sender.body),
      ...fields,
    });
    const signed = (fields: Partial<Message> = {}, secrets = [first]): RequestFields => {
      const sent = message(fields);
      const headers = { ...sender.unsigned?.(sent), ...sender.sign(sent, secrets) };
      return { headers, body: sent.body, receivedAt: NOW * 1_000 };
    };

    it('believes what is signed, without parsing it', async () => {
      expect(await provider.verify(unread(signed()))).toBeUndefined();
      expect((await provider.read(request(signed()))).events).toHaveLength(1);
    });

    itIf(sender.published !== undefined, 'WH1: the published example holds, and none with a byte flipped', async () => {
      const { secret, headers, body, seconds } = sender.published as NonNullable<Sender['published']>;
      const published = sender.create([secret]);
      const fields = { headers, body, receivedAt: seconds * 1_000 };
      expect(await published.verify(unread(fields))).toBeUndefined();
      for (const one of flips(fields, sender)) expect(await published.verify(unread(one))).toEqual(REFUSED);
    });

    it('WH1: is not deceived by any one byte flipped in body, id, time or signature', async () => {
      const fields = signed();
      for (const one of flips(fields, sender)) expect(await provider.verify(unread(one))).toEqual(REFUSED);
      const place = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 }));
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ minLength: 1 }), place, async (body, [at, mask]) => {
          const good = signed({ body });
          expect(await provider.verify(unread(good))).toBeUndefined();
          const bad = { ...good, body: flipByte(body, at % body.length, mask) };
          expect(await provider.verify(unread(bad))).toEqual(REFUSED);
        }),
      );
    });

    it('WH1: does not take the signature of one thing for another', async () => {
      const fields = signed();
      const moved = { ...fields, body: Buffer.concat([Buffer.from(sender.body), Buffer.from(' ')]) };
      expect(await provider.verify(unread(moved))).toEqual(REFUSED);
      for (const name of sender.signed) {
        const { [name]: __, ...others } = fields.headers ?? {};
        expect(await provider.verify(unread({ ...fields, headers: others }))).toEqual(REFUSED);
      }
    });

    it.each(AWKWARD)('WH2: signs over the bytes as they came: %s', async (__, body) => {
      expect(await provider.verify(unread(signed({ body })))).toBeUndefined();
    });

    it('WH3: refuses, and never throws, whatever is in the headers', async () => {
      const fields = signed();
      const good = String(fields.headers?.[sender.signature]);
      const refused = async (value: string | readonly string[] | undefined, name = sender.signature): Promise<void> => {
        const headers: Record<string, string | readonly string[]> = { ...fields.headers };
        if (value === undefined) delete headers[name];
        else headers[name] = value;
        expect(await provider.verify(unread({ ...fields, headers }))).toEqual(REFUSED);
      };
      for (const name of [sender.signature, ...sender.signed]) {
        for (const value of [undefined, '', ' ', 'x', '\u00ff\u00fe', [good, good]]) await refused(value, name);
      }
      for (const value of [good.slice(0, -1), `${good}0`, `${good}=`, good.replaceAll('=', ''), good.slice(0, 8)]) {
        await refused(value);
      }
      const anything = fc.string({ unit: 'binary' });
      await fc.assert(fc.asyncProperty(anything, (value) => refused(value)));
      const prefix = fc.constantFrom('v1=', 'v0=', 'v1,', 'v1a,', 'sha256=', `t=${NOW},v1=`);
      await fc.assert(fc.asyncProperty(prefix, anything, (start, value) => refused(start + value)));
    });

    it('WH3: cannot be made without a secret', () => {
      for (const secrets of [[], [''], [first.known, '']]) {
        expect(() => sender.create(secrets)).toThrow(expect.objectContaining({ code: 'SECRET_EMPTY' }));
      }
    });

    it('WH4: takes either secret while one is replaced, and then the new one only', async () => {
      const both = sender.create([second.known, first.known]);
      expect(await both.verify(unread(signed({}, [first])))).toBeUndefined();
      expect(await both.verify(unread(signed({}, [second])))).toBeUndefined();
      const after = sender.create([second.known]);
      expect(await after.verify(unread(signed({}, [first])))).toEqual(REFUSED);
      expect(await after.verify(unread(signed({}, [second])))).toBeUndefined();
    });

    itIf(sender.signsTwice, 'WH4: takes any of several signatures, and passes over unknown versions', async () => {
      const third = sender.newSecret();
      expect(await provider.verify(unread(signed({}, [third, second, first])))).toBeUndefined();
      expect(await provider.verify(unread(signed({}, [third, second])))).toEqual(REFUSED);
      const withUnknown = (fields: RequestFields): RequestFields => {
        const header = sender.unknownVersion?.(String(fields.headers?.[sender.signature])) ?? '';
        return { ...fields, headers: { ...fields.headers, [sender.signature]: header } };
      };
      expect(await provider.verify(unread(withUnknown(signed())))).toBeUndefined();
      expect(await provider.verify(unread(withUnknown(signed({}, [second]))))).toEqual(REFUSED);
    });

    itIf(sender.signsTime, 'WH5: refuses what was signed more than five minutes ago, or is to be', async () => {
      for (const away of [-300, 300]) {
        expect(await provider.verify(unread(signed({ seconds: NOW + away })))).toBeUndefined();
        expect(await provider.verify(unread(signed({ seconds: NOW + away + Math.sign(away) })))).toEqual(REFUSED);
      }
    });

    it('WH5: what is sent again is called the same, and what is another thing is not', async () => {
      const once = await provider.read(request(signed()));
      const again = await provider.read(request(signed({ seconds: NOW + 60 })));
      expect(once.id).toBeTypeOf('string');
      expect(again.id).toBe(once.id);
      expect(again.events.map(({ id }) => id)).toEqual(once.events.map(({ id }) => id));
      const other = sender.body.replace(/"id":"[^"]+"|"event_id":"[^"]+"/, (found) => found.replace(/"$/, 'x"'));
      const different = await provider.read(request(signed({ id: 'msg_2', body: Buffer.from(other) })));
      expect(different.id).not.toBe(once.id);
    });

    it('puts no secret into a refusal', async () => {
      const refusal = await provider.verify(unread(signed({}, [second])));
      expect(JSON.stringify(refusal)).not.toContain(first.known);
      expect(JSON.stringify(refusal)).not.toContain(String(signed({}, [second]).headers?.[sender.signature]));
    });
  },
);

/** What a sender does not do is no test of it, rather than one that is not run. */
function itIf(holds: boolean, name: string, body: () => Promise<void>): void {
  if (holds) it(name, body);
}

/** The request with one bit flipped in each byte of its body, of its signature and of the headers that are signed. */
function* flips(fields: RequestFields, { signature, signed }: Sender): Generator<RequestFields> {
  const body = Buffer.from(fields.body as Uint8Array);
  for (let at = 0; at < body.length; at += 1) yield { ...fields, body: flipByte(body, at, 1) };
  for (const name of [signature, ...signed]) {
    const bytes = Buffer.from(String(fields.headers?.[name]), 'latin1');
    for (let at = 0; at < bytes.length; at += 1) {
      const flipped = flipByte(bytes, at, 1).toString('latin1');
      yield { ...fields, headers: { ...fields.headers, [name]: flipped } };
    }
  }
}

function flipByte(bytes: Uint8Array, at: number, mask: number): Buffer {
  const flipped = Buffer.from(bytes);
  flipped[at] = (flipped[at] as number) ^ mask;
  return flipped;
}
