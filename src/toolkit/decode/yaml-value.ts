import type { Alias, Node, Pair, ParsedNode, Range, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import type { DecodeError } from '../../core/errors.js';

/** What keeps a document from being plain data. */
export type YamlProblem = 'aliases' | 'depth' | 'duplicate key' | 'unknown alias';

export type YamlRange = Range | null | undefined;

export interface YamlLimits {
  readonly maxAliases: number;
  readonly maxDepth: number;
  /** Makes the error for a problem at a place of the text. */
  readonly refuse: (problem: YamlProblem, range: YamlRange) => DecodeError;
}

/**
 * The plain data of one composed document. What the package does itself resolves each alias by a walk over all others,
 * compares each key to all others, and shares one object between all aliases.
 */
export class YamlValues {
  readonly #yaml: typeof import('yaml');
  readonly #limits: YamlLimits;
  /** An anchor is known once its node is complete, so none contains itself. */
  readonly #anchors = new Map<string, unknown>();
  #aliased = 0;

  constructor(library: typeof import('yaml'), limits: YamlLimits) {
    this.#yaml = library;
    this.#limits = limits;
  }

  /** @throws DecodeError for what is refused */
  convert(node: Node | null, depth = 0): unknown {
    if (node === null) return null;
    if (this.#yaml.isAlias(node)) return this.#resolve(node, depth);
    const value = this.#convertAnchored(node, depth);
    const { anchor } = node as ParsedNode;
    if (anchor !== undefined) this.#anchors.set(anchor, value);
    return value;
  }

  #convertAnchored(node: Node, depth: number): unknown {
    if (this.#yaml.isScalar(node)) return toJson((node as Scalar).value);
    if (depth >= this.#limits.maxDepth) throw this.#limits.refuse('depth', node.range);
    if (this.#yaml.isSeq(node))
      return (node as YAMLSeq<Node | null>).items.map((item) => this.convert(item, depth + 1));
    return this.#convertMap(node as YAMLMap<Node | null, Node | null>, depth);
  }

  #convertMap(map: YAMLMap<Node | null, Node | null>, depth: number): unknown {
    const members: Record<string, unknown> = {};
    for (const { key, value } of map.items as Pair<Node | null, Node | null>[]) {
      const name = toName(this.convert(key, depth + 1));
      if (Object.hasOwn(members, name)) throw this.#limits.refuse('duplicate key', key?.range ?? map.range);
      define(members, name, this.convert(value, depth + 1));
    }
    return members;
  }

  #resolve(alias: Alias, depth: number): unknown {
    if (!this.#anchors.has(alias.source)) throw this.#limits.refuse('unknown alias', alias.range);
    return this.#copy(this.#anchors.get(alias.source), depth, alias);
  }

  /** A copy, so that changing one record never changes another. */
  #copy(value: unknown, depth: number, alias: Alias): unknown {
    this.#aliased += 1;
    if (this.#aliased > this.#limits.maxAliases) throw this.#limits.refuse('aliases', alias.range);
    if (typeof value !== 'object' || value === null) return value;
    if (depth >= this.#limits.maxDepth) throw this.#limits.refuse('depth', alias.range);
    if (Array.isArray(value)) return value.map((member) => this.#copy(member, depth + 1, alias));
    const members: Record<string, unknown> = {};
    for (const [name, member] of Object.entries(value)) define(members, name, this.#copy(member, depth + 1, alias));
    return members;
  }
}

/** Integers that a number cannot hold exactly, `.nan` and `.inf` are text. */
function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  return value;
}

function toName(key: unknown): string {
  if (key === null) return '';
  return typeof key === 'object' ? JSON.stringify(key) : String(key);
}

function define(members: object, name: string, value: unknown): void {
  Object.defineProperty(members, name, { value, enumerable: true, configurable: true, writable: true });
}
