/** The last three digits of a number: making them again for every line takes as long as the rest of its event. */
const ENDINGS = Array.from({ length: 1_000 }, (_, index) => String(index).padStart(3, '0'));

/** Makes the ids of the lines of a file, `<key>:<byte at which it begins>`, of lines that follow one another. */
export function lineIds(key: string): (start: number) => string {
  let thousands = 0;
  let beginning = `${key}:`;
  return (start) => {
    if (start < 1_000) return `${key}:${start}`;
    const current = Math.floor(start / 1_000);
    if (current !== thousands) {
      thousands = current;
      beginning = `${key}:${current}`;
    }
    return beginning + ENDINGS[start - current * 1_000];
  };
}
