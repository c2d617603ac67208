import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A server on which things happen while it is read. */
export interface Service {
  /** What a child needs to know: addresses, tokens. */
  readonly access: unknown;
  /** From then on nothing happens any more. */
  rest(): void;
  close(): Promise<void>;
}

/** Servers in the process that judges, one for each directory: they outlive the processes that read them. */
export class Services<Kind extends Service> {
  readonly #start: () => Promise<Kind>;
  readonly #started = new Map<string, Kind>();

  constructor(start: () => Promise<Kind>) {
    this.#start = start;
  }

  readonly start = async (directory: string): Promise<void> => {
    const service = await this.#start();
    this.#started.set(directory, service);
    writeAccess(directory, service.access);
  };

  readonly close = async (directory: string): Promise<void> => {
    await this.#started.get(directory)?.close();
    this.#started.delete(directory);
  };

  of(directory: string): Kind {
    const service = this.#started.get(directory);
    if (service === undefined) throw new Error(`no server was started for ${directory}`);
    return service;
  }
}

/** Where a child finds what it needs to know. */
export function writeAccess(directory: string, access: unknown): void {
  writeFileSync(accessFile(directory), JSON.stringify(access));
}

/** What the server of a directory said of itself. */
export function accessOf(directory: string): unknown {
  return JSON.parse(readFileSync(accessFile(directory), 'utf8'));
}

function accessFile(directory: string): string {
  return join(directory, 'service.json');
}
