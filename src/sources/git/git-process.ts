import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { FatalError } from '../../core/errors.js';
import { gitEnvironment, globalArguments } from './environment.js';
import { type Ending, gitFailure } from './failure.js';

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

export interface GitOptions {
  /** The repository: absolute, symbolic links resolved. */
  directory: string;
  trustOwner: boolean;
  /** Its firing kills the processes that run. */
  signal: AbortSignal;
  onProcess?: (() => void) | undefined;
  onBytes?: ((bytes: number) => void) | undefined;
}

export interface RunOptions {
  /** Goes to standard input. */
  input?: string | Readable | undefined;
  /** Statuses other than 0 that are answers, not failures. */
  alsoOk?: readonly number[] | undefined;
}

/** Answers short questions about one repository. */
export interface Git {
  readonly directory: string;
  run(commandLine: readonly string[], options?: RunOptions): Promise<Buffer>;
}

/**
 * git writes blocks of 4 kB, and waking up for each costs more than reading it. After the first few, which may be all
 * there are, reading waits for more to come together.
 */
const PROMPT_CHUNKS = 8;
const PAUSE_MS = 1;

const STDERR_KEPT = 4_096;
const LARGEST_ANSWER = 256 * 1024 * 1024;

/**
 * Runs git in one repository: without a shell, with a closed environment, its output streamed. Reading stops while the
 * consumer is busy, and git with it. A process never outlives its iteration.
 */
export class GitProcess implements Git {
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly #options: GitOptions;
  readonly #globals: readonly string[];

  constructor(options: GitOptions) {
    this.#options = options;
    this.directory = options.directory;
    this.signal = options.signal;
    this.#globals = globalArguments(options.directory, options.trustOwner);
  }

  /** The whole output of a command whose answer is short. */
  async run(commandLine: readonly string[], options: RunOptions = {}): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of this.stream(commandLine, options)) {
      size += chunk.length;
      if (size > LARGEST_ANSWER)
        throw new FatalError(`git ${commandLine[0]} answered more than ${LARGEST_ANSWER} bytes`);
      chunks.push(chunk);
    }
    return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
  }

  /** The output as it comes. Ends normally only when git said that all went well. */
  async *stream(commandLine: readonly string[], options: RunOptions = {}): AsyncGenerator<Buffer, void, undefined> {
    this.signal.throwIfAborted();
    const child = this.#spawn(commandLine);
    const ending = endingOf(child);
    const kill = (): void => {
      child.kill('SIGKILL');
      child.stdout.destroy();
    };
    this.signal.addEventListener('abort', kill, { once: true });
    const { input = '' } = options;
    if (typeof input === 'string') child.stdin.end(input);
    else input.pipe(child.stdin);
    try {
      yield* this.#output(child);
      this.#check(commandLine[0] ?? '', await ending, options.alsoOk);
    } finally {
      this.signal.removeEventListener('abort', kill);
      if (child.exitCode === null && child.signalCode === null) kill();
      await ending;
    }
  }

  #spawn(commandLine: readonly string[]): Child {
    this.#options.onProcess?.();
    return spawn('git', [...this.#globals, ...commandLine], {
      cwd: this.directory,
      env: gitEnvironment(this.directory),
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
    });
  }

  async *#output(child: Child): AsyncGenerator<Buffer, void, undefined> {
    try {
      let chunks = 0;
      for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
        this.#options.onBytes?.(chunk.length);
        yield chunk;
        chunks += 1;
        if (chunks > PROMPT_CHUNKS && chunk.length < child.stdout.readableHighWaterMark) await setTimeout(PAUSE_MS);
      }
    } catch (error) {
      this.signal.throwIfAborted();
      if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    }
  }

  #check(command: string, ending: Ending, alsoOk: readonly number[] = []): void {
    this.signal.throwIfAborted();
    if (ending.error === undefined && (ending.code === 0 || alsoOk.includes(ending.code ?? -1))) return;
    throw gitFailure(command, this.directory, ending);
  }
}

/** Resolves, never rejects, once the process has gone and its output is closed. */
function endingOf(child: Child): Promise<Ending> {
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (stderr.length < STDERR_KEPT) stderr += text.slice(0, STDERR_KEPT);
  });
  // A process that is gone does not read its input; how it ended is told by its status.
  child.stdin.on('error', () => {});
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, stderr, error }));
    child.once('close', (code, signal) => resolve({ code, signal, stderr }));
  });
}
