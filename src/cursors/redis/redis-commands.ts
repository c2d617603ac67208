/** What is used of a client of the package `redis`: a single one, a pool, or one of a cluster. */
export interface RedisCommands {
  hGet(key: string, field: string): Promise<string | null>;
  hScan(
    key: string,
    cursor: string,
    options: { COUNT: number },
  ): Promise<{ cursor: string; entries: { field: string; value: string }[] }>;
  lRange(key: string, start: number, stop: number): Promise<string[]>;
  sAdd(key: string, member: string): Promise<number>;
  sMembers(key: string): Promise<string[]>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

/** One that the store has opened itself. */
export interface OwnClient extends RedisCommands {
  connect(): Promise<unknown>;
  destroy(): void;
}
