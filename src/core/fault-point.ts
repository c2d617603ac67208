const HOOK: unique symbol = Symbol.for('headwater.faultPoint');

/**
 * A named place where a test may stop the process, wait, or throw as the operating system would: so that "killed at
 * every step" is a list and not luck. One property read, unless `globalThis[Symbol.for('headwater.faultPoint')]` is a
 * function; that is called with the name.
 */
export function faultPoint(name: string): void | Promise<void> {
  const hook = (globalThis as { [HOOK]?: unknown })[HOOK];
  return typeof hook === 'function' ? hook(name) : undefined;
}

/** Runs a step between two fault points, `<name>.before` and `<name>.after`. */
export async function withFaultPoints<Result>(name: string, step: () => Result | Promise<Result>): Promise<Result> {
  const before = faultPoint(`${name}.before`);
  if (before !== undefined) await before;
  const result = await step();
  const after = faultPoint(`${name}.after`);
  if (after !== undefined) await after;
  return result;
}
