import type { KafkaOffset } from './kafka-client.js';

const PREFIX = 'headwater:';

/** How often the message at a committed offset was handed out, and up to where others were handed out with it. */
export interface Attempts {
  readonly count: number;
  /** The offset behind the last that was handed out at the same time. */
  readonly until: bigint;
}

export const NO_ATTEMPTS: Attempts = { count: 0, until: 0n };

/** Kept with the committed offset, so that it outlives the process. */
export function toMetadata({ count, until }: Attempts): string {
  return `${PREFIX}${count}:${until}`;
}

export function attemptsOf({ metadata }: Pick<KafkaOffset, 'metadata'>): Attempts {
  const found = /^headwater:(\d+):(\d+)$/.exec(metadata ?? '');
  return found === null ? NO_ATTEMPTS : { count: Number(found[1]), until: BigInt(found[2] as string) };
}
