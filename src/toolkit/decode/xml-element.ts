type Attributes = Readonly<Record<string, string>>;
type Members = Record<string, unknown>;

/** Puts one element together from what the parser tells. */
export interface ElementBuilder {
  open(name: string, attributes: Attributes): void;
  close(): void;
  text(text: string): void;
  /** A string where the element holds nothing but text. */
  result(): unknown;
}

interface Level {
  readonly name: string;
  readonly members: Members;
  text: string;
}

export function elementBuilder(attributes: Attributes): ElementBuilder {
  const levels: Level[] = [toLevel('', attributes)];
  const top = (): Level => levels.at(-1) as Level;
  return {
    open(name, given) {
      levels.push(toLevel(name, given));
    },
    close() {
      const closed = levels.pop() as Level;
      addChild(top().members, closed.name, toValue(closed));
    },
    text(text) {
      top().text += text;
    },
    result: () => toValue(top()),
  };
}

function toLevel(name: string, attributes: Attributes): Level {
  const members: Members = {};
  for (const [key, value] of Object.entries(attributes)) define(members, `@${key}`, value);
  return { name, members, text: '' };
}

function toValue({ members, text }: Level): unknown {
  if (Object.keys(members).length === 0) return text;
  if (text.trim() !== '') define(members, '#text', text);
  return members;
}

function addChild(members: Members, name: string, value: unknown): void {
  const before = Object.hasOwn(members, name) ? members[name] : undefined;
  if (before === undefined) define(members, name, value);
  // A value is text or an object, so an array is one of ours.
  else if (Array.isArray(before)) before.push(value);
  else define(members, name, [before, value]);
}

/** An element may be called `__proto__`. */
function define(members: Members, key: string, value: unknown): void {
  Object.defineProperty(members, key, { value, enumerable: true, configurable: true, writable: true });
}
