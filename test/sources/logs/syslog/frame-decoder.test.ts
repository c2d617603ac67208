import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameDecoder, FrameError } from '../../../../src/sources/logs/syslog/frame-decoder.js';

interface Read {
  readonly text: string;
  readonly isCut: boolean;
}

/** Writes chunk after chunk, and ends. */
function decode(chunks: readonly (string | Buffer)[], maxBytes = 1_000): Read[] {
  const decoder = new FrameDecoder(maxBytes);
  const read: Read[] = [];
  const note = (frame: { bytes: Buffer; isCut: boolean }): void => {
    read.push({ text: frame.bytes.toString('latin1'), isCut: frame.isCut });
  };
  for (const chunk of chunks) {
    decoder.write(Buffer.from(chunk as string, 'latin1'));
    for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) note(frame);
  }
  const rest = decoder.end();
  if (rest !== undefined) note(rest);
  return read;
}

const textsOf = (read: readonly Read[]): string[] => read.map(({ text }) => text);

describe('LG11: framing', () => {
  it('is told message by message, both kinds mixed on one connection', () => {
    expect(textsOf(decode(['<1>one\n7 <2>\ntwo<3>three\0<4>four\n5 <5>ab']))).toEqual([
      '<1>one',
      '<2>\ntwo',
      '<3>three',
      '<4>four',
      '<5>ab',
    ]);
  });

  it('leaves a counted message with line ends in it one message', () => {
    expect(textsOf(decode(['11 <1>a\nb\nc\0d\n7 <2>next']))).toEqual(['<1>a\nb\nc\0d\n', '<2>next']);
  });

  it.each(['12x <1>a', '7', '7 <1>a', '0 ', '01 a', '1234567890 a', '9x', '3\nabc'])(
    'with %s in place of a length or message fails, or gives what there is',
    (text) => {
      const read = (): Read[] => decode([text]);
      if (text === '7 <1>a') expect(read()).toEqual([{ text: '<1>a', isCut: true }]);
      else expect(read).toThrow(FrameError);
    },
  );

  it('takes what is there at the end of the connection', () => {
    expect(decode(['<1>one\n<2>tw'])).toEqual([
      { text: '<1>one', isCut: false },
      { text: '<2>tw', isCut: false },
    ]);
    expect(decode(['20 <1>one'])).toEqual([{ text: '<1>one', isCut: true }]);
    expect(decode([])).toEqual([]);
  });

  it('passes over empty lines', () => {
    expect(textsOf(decode(['\n\n<1>one\n\0\n<2>two\n\n']))).toEqual(['<1>one', '<2>two']);
  });
});

it('a message that is too long is cut, and the next one is whole', () => {
  const long = `<1>${'x'.repeat(5_000)}`;
  for (const framed of [`${long}\n`, `${long.length} ${long}`]) {
    for (const size of [1, 7, 100, 10_000]) {
      const read = decode(
        inChunks(`${framed}<2>next\n6 <3>end`, () => size),
        480,
      );
      expect(read).toEqual([
        { text: long.slice(0, 480), isCut: true },
        { text: '<2>next', isCut: false },
        { text: '<3>end', isCut: false },
      ]);
    }
  }
});

it('whatever the chunks, the messages are those that were sent', () => {
  const body = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '7', '\n', '\0', 'é', '<'), maxLength: 30 });
  const message = fc.tuple(body, fc.constantFrom('counted', '\n', '\0'));
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      (messages, sizes) => {
        const sent = messages.map(
          ([text, framing]) => `<1>${framing === 'counted' ? text : text.replaceAll(/[\n\0]/g, '')}`,
        );
        const bytes = sent.map((text, index) => {
          const framing = messages[index]?.[1] as string;
          return framing === 'counted' ? `${Buffer.byteLength(text, 'latin1')} ${text}` : `${text}${framing}`;
        });
        let turn = 0;
        const chunks = inChunks(bytes.join(''), () => sizes[turn++ % sizes.length] as number);
        expect(textsOf(decode(chunks))).toEqual(sent);
      },
    ),
  );
});

it('never holds more than one message and one chunk, and never throws anything else', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 30 }), (chunks) => {
      const longest = (read: readonly Read[]): number => Math.max(0, ...read.map(({ text }) => text.length));
      try {
        expect(
          longest(
            decode(
              chunks.map((chunk) => Buffer.from(chunk)),
              50,
            ),
          ),
        ).toBeLessThanOrEqual(50);
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError);
      }
    }),
  );
});

it('takes a message byte by byte in time that grows with its length', () => {
  const size = 200_000;
  const decoder = new FrameDecoder(size * 2);
  const byte = Buffer.from('x');
  decoder.write(Buffer.from('<1>'));
  // Looking from the start each time, or copying everything each time, would be 20 billion steps.
  let early = 0;
  for (let count = 0; count < size; count += 1) {
    decoder.write(byte);
    if (decoder.next() !== undefined) early += 1;
  }
  expect(early).toBe(0);
  decoder.write(Buffer.from('\n'));
  expect(decoder.next()?.bytes).toHaveLength(size + 3);
});

function inChunks(text: string, size: () => number): string[] {
  const chunks: string[] = [];
  for (let at = 0; at < text.length; ) {
    const next = at + size();
    chunks.push(text.slice(at, next));
    at = next;
  }
  return chunks;
}
