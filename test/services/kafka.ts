import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Kafka, logLevel, type Message, Partitioners, type Producer } from 'kafkajs';
import { hasProgram } from './needs.js';

const SOURCE = fileURLToPath(new URL('./kafka/mock-cluster.c', import.meta.url));

/** Whether the mock cluster of librdkafka can be built here. */
export function isKafkaThere(): boolean {
  return hasProgram('gcc', '--version') && existsSync('/usr/include/librdkafka/rdkafka_mock.h');
}

/** Built once for each version of its source, by whoever comes first. */
function build(): string {
  const program = join(
    tmpdir(),
    `headwater-kafka-${createHash('sha256').update(readFileSync(SOURCE)).digest('hex').slice(0, 16)}`,
  );
  if (existsSync(program)) return program;
  const made = `${program}-${randomBytes(4).toString('hex')}`;
  const { status, stderr } = spawnSync('gcc', ['-O1', '-o', made, SOURCE, '-lrdkafka'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the mock cluster cannot be built: ${stderr}`);
  renameSync(made, program);
  return program;
}

/** A cluster of its own: topics, groups, offsets; brokers go down and up, are slow, answer with errors. */
export class MockKafka {
  readonly brokers: readonly string[];
  readonly #process: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  #asking: Promise<unknown> = Promise.resolve();
  #producer: Producer | undefined;

  private constructor(process: ChildProcess, answers: AsyncIterator<string>, brokers: readonly string[]) {
    this.#process = process;
    this.#answers = answers;
    this.brokers = brokers;
  }

  static async start(brokers = 1): Promise<MockKafka> {
    const child = spawn(build(), [`${brokers}`], { stdio: ['pipe', 'pipe', 'ignore'] });
    const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { value } = await answers.next();
    return new MockKafka(child, answers, String(value).split(','));
  }

  topic(name: string, partitions = 2): Promise<void> {
    return this.#tell(`topic ${name} ${partitions}`);
  }

  down(broker: number): Promise<void> {
    return this.#tell(`down ${broker}`);
  }

  up(broker: number): Promise<void> {
    return this.#tell(`up ${broker}`);
  }

  latency(broker: number, milliseconds: number): Promise<void> {
    return this.#tell(`latency ${broker} ${milliseconds}`);
  }

  /** The next requests of a kind are answered with an error. @see https://kafka.apache.org/protocol.html */
  fail(apiKey: number, code: number, times = 1): Promise<void> {
    return this.#tell(`error ${apiKey} ${code} ${times}`);
  }

  kafka(): Kafka {
    return new Kafka({
      brokers: [...this.brokers],
      logLevel: logLevel.NOTHING,
      retry: { retries: 20, maxRetryTime: 1_000 },
    });
  }

  /** Each in a batch of its own, or all in one. */
  async send(topic: string, messages: readonly Message[], { isOne = false } = {}): Promise<void> {
    if (this.#producer === undefined) {
      const producer = this.kafka().producer({ createPartitioner: Partitioners.DefaultPartitioner });
      await producer.connect();
      this.#producer = producer;
    }
    if (isOne) await this.#producer.send({ topic, messages: [...messages] });
    else for (const message of messages) await this.#producer.send({ topic, messages: [message] });
  }

  /** What a group has committed, by partition. */
  async committed(group: string, topic: string): Promise<Readonly<Record<number, string>>> {
    const admin = this.kafka().admin();
    await admin.connect();
    const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
    await admin.disconnect();
    return Object.fromEntries((found?.partitions ?? []).map(({ partition, offset }) => [partition, offset]));
  }

  async stop(): Promise<void> {
    await this.#producer?.disconnect();
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
  }

  async #tell(line: string): Promise<void> {
    const asked = this.#asking.then(async () => {
      this.#process.stdin?.write(`${line}\n`);
      await this.#answers.next();
    });
    this.#asking = asked;
    await asked;
  }
}
