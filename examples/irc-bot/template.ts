import type { SourceEvent } from 'headwater';

const PLACE = /\{([^{}\s]+)\}/g;

/** `{subject}: {data.item.state}` filled in from an event; `-` where it has nothing there. */
export function fillIn(template: string, event: SourceEvent): string {
  return template.replace(PLACE, (_, path: string) => tell(lookUp(event, path.split('.'))));
}

/** Own properties only: the template is the operator's, what it is filled with is not. */
function lookUp(value: unknown, [first, ...rest]: readonly string[]): unknown {
  if (first === undefined) return value;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, first)) return undefined;
  return lookUp((value as Record<string, unknown>)[first], rest);
}

function tell(value: unknown): string {
  if (value === undefined || value === null || value === '') return '-';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
