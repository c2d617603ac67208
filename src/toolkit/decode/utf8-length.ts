const BLOCK = 1_024;

/** Bytes in UTF-8 of a part of a text that may begin or end between the two halves of a surrogate pair. */
export function utf8Length(text: string, from: number, to: number): number {
  let bytes = to - from;
  for (let at = from; at < to; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) continue;
    const isHalf = unit >= 0xd800 && unit <= 0xdfff;
    bytes += unit < 0x800 || isHalf ? 1 : 2;
  }
  return bytes;
}

/** Makes positions in a text into positions in its bytes, which begin at `start`, each in the time of a short look. */
export function byteOffsets(text: string, start: number): (at: number) => number {
  const starts = [start];
  for (let from = 0; from < text.length; from += BLOCK) {
    const to = Math.min(from + BLOCK, text.length);
    starts.push((starts.at(-1) as number) + utf8Length(text, from, to));
  }
  if (starts.at(-1) === start + text.length) return (at) => start + at;
  return (at) => {
    const block = Math.floor(at / BLOCK);
    return (starts[block] as number) + utf8Length(text, block * BLOCK, at);
  };
}
