import type { SourceEvent } from '../../core/event.js';
import type { EventSource } from '../../core/event-source.js';
import type { SourceClass } from '../../core/source-class.js';
import type { SourceOptions } from '../../core/source-definition.js';
import type { Skip } from '../contract-case.js';

/** What there is upstream, made for one case. */
export interface SourceWorld {
  /** What `create` is given. */
  readonly config: unknown;
  readonly credentials?: unknown;
  readonly dispatcher?: object | undefined;
  /** Exactly how many events there are to read. Six or more, of different kinds where there are kinds. */
  readonly events: number;
  /** Called when the case is over. */
  close?(): Promise<void>;
}

/** What the contract needs to know of a source. All but the first two: the cases that need it are left out, and say so. */
export interface SourceHarness<World extends SourceWorld = SourceWorld> {
  readonly source: SourceClass;
  /** Something to read from, always the same. Called once or more for every case. */
  open(): Promise<World>;
  /** Something new happens upstream: at least one more event. */
  more?(world: World): Promise<void>;
  /** For sources that receive: sends what was not acknowledged, to whoever listens. Called when an iteration has begun. */
  deliver?(world: World): Promise<void>;
  /** How many requests upstream has seen so far. */
  requests?(world: World): number;
  /**
   * The request after so many more (0: the very next) fails: 'transient', once, in a way that passes; 'permanent', and
   * so do all after it, in a way that does not.
   */
  fail?(world: World, kind: 'transient' | 'permanent', after: number): void;
  /** From now on upstream takes requests and does not answer them. */
  hang?(world: World): void;
  /** How many connections, processes, descriptors or listeners of the source upstream sees. */
  connections?(world: World): number;
  /** Makes far more events than anybody should hold at once. */
  flood?(world: World): Promise<void>;
  /** Which share of the events has left upstream, from 0 to 1. */
  taken?(world: World, source: EventSource): number;
  /** Texts that are secret; the credentials or the world have to contain them. */
  readonly secrets?: readonly string[] | undefined;
  /** Reads everything in another process: ids must not depend on this one. */
  readElsewhere?(world: World, options: SourceOptions): Promise<readonly SourceEvent[]>;
  /** How long anything may take, in milliseconds, before a case fails instead of hanging. Default 10,000. */
  readonly patienceMs?: number | undefined;
  /** Cases that do not hold, each with the reason. */
  readonly skip?: readonly Skip[] | undefined;
}

/** Why a case does not apply to a source. */
const REASONS = {
  more: ({ more }) => unlessGiven(more, 'more'),
  fail: ({ fail, requests }) => unlessGiven(fail, 'fail') ?? unlessGiven(requests, 'requests'),
  hang: ({ hang }) => unlessGiven(hang, 'hang'),
  flood: ({ flood, taken }) => unlessGiven(flood, 'flood') ?? unlessGiven(taken, 'taken'),
  secrets: ({ secrets }) => unlessGiven(secrets, 'secrets'),
  elsewhere: ({ readElsewhere }) => unlessGiven(readElsewhere, 'readElsewhere'),
  credentials: ({ source }) => unless(source.definition.credentials !== undefined, 'the source takes no credentials'),
  position: (harness) => unless(positionOf(harness) !== 'none', 'the source keeps no position'),
  cursor: (harness) => unless(['cursor', 'state'].includes(positionOf(harness)), 'the source has no cursor of its own'),
  'stable ids': ({ source }) =>
    unless(source.definition.capabilities.ids === 'stable', "its events have an id per receipt ('per-receipt')"),
  pull: ({ source }) => unless(source.definition.capabilities.kind === 'pull', 'the source receives'),
} satisfies Record<string, (harness: SourceHarness) => string | undefined>;

/** What a case can ask for. */
export type Need = keyof typeof REASONS;

/** The first reason why a case with these needs does not apply. */
export function whyNot(needs: readonly Need[], harness: SourceHarness): string | undefined {
  return needs.map((need) => REASONS[need](harness)).find((reason) => reason !== undefined);
}

function positionOf({ source }: SourceHarness): string {
  return source.definition.capabilities.position;
}

function unlessGiven(member: unknown, name: string): string | undefined {
  return unless(member !== undefined, `the harness has no \`${name}\``);
}

function unless(holds: boolean, reason: string): string | undefined {
  return holds ? undefined : reason;
}
