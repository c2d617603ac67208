import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { ConfirmChannel } from 'amqplib';
import { Partitioners, type Producer } from 'kafkajs';
import { Gate } from '../services/gate.js';
import { MockKafka } from '../services/kafka.js';
import { RABBITMQ_PORT, Rabbit } from '../services/rabbitmq.js';
import { OwnRedis, openRedis } from '../services/redis.js';
import type { Sender, Sent } from './sent-while-read.js';

/** Between two messages. */
const PAUSE_MS = 3;

/** Sends numbered messages one after the other, each until it is accepted. */
export abstract class NumberedSender implements Sender {
  /** So many at once, without a pause: for who is to be slow beside it. */
  atOnce: number | undefined;
  abstract readonly access: unknown;
  readonly #begun = new Set<string>();
  readonly #accepted = new Set<string>();
  #retries = 0;
  #isResting = false;
  #sending: Promise<void> = Promise.resolve();

  get sent(): Sent {
    return { begun: this.#begun, accepted: this.#accepted, retries: this.#retries };
  }

  begin(): void {
    this.#sending = this.#send();
  }

  rest(): void {
    this.#isResting = true;
  }

  settled(): Promise<void> {
    return this.#sending;
  }

  abstract disturb(): Promise<void>;
  abstract close(): Promise<void>;
  /** Rejects where it is not known whether the message was taken. */
  protected abstract deliver(key: string): Promise<unknown>;

  async #send(): Promise<void> {
    for (let number = 0; !this.#isResting; number += 1) {
      if (this.atOnce === undefined) {
        await this.#deliver(`m-${number}`);
        await setTimeout(PAUSE_MS);
      } else {
        const keys = Array.from({ length: this.atOnce }, (_, at) => `m-${number}-${at}`);
        await Promise.all(keys.map((key) => this.#deliver(key)));
        await setTimeout(100);
      }
    }
  }

  async #deliver(key: string): Promise<void> {
    this.#begun.add(key);
    while (!this.#accepted.has(key)) {
      try {
        await this.deliver(key);
        this.#accepted.add(key);
      } catch {
        this.#retries += 1;
        await setTimeout(20);
      }
    }
  }
}

/** A Redis that is killed and started again, and has lost nothing. */
export class RedisSender extends NumberedSender {
  readonly access: { readonly url: string };
  readonly #redis: OwnRedis;
  readonly #folder: string;
  #client: Awaited<ReturnType<typeof openRedis>> | undefined;

  private constructor(redis: OwnRedis, folder: string) {
    super();
    this.#redis = redis;
    this.#folder = folder;
    this.access = { url: redis.url };
  }

  static async start(): Promise<RedisSender> {
    const folder = mkdtempSync(join(tmpdir(), 'headwater-redis-'));
    return new RedisSender(await OwnRedis.start(folder), folder);
  }

  async disturb(): Promise<void> {
    await this.#redis.stop();
    await this.#redis.start();
  }

  async close(): Promise<void> {
    this.#client?.destroy();
    await this.#redis.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  protected override async deliver(key: string): Promise<unknown> {
    this.#client ??= await openRedis(this.access.url);
    return this.#client.xAdd('torture', '*', { key });
  }
}

/** RabbitMQ behind a gate that is shut now and then. */
export class RabbitmqSender extends NumberedSender {
  readonly access: { readonly url: string; readonly queue: string };
  readonly #rabbit: Rabbit;
  readonly #gate: Gate;
  readonly #channel: ConfirmChannel;

  private constructor(rabbit: Rabbit, gate: Gate, queue: string, channel: ConfirmChannel) {
    super();
    this.#rabbit = rabbit;
    this.#gate = gate;
    this.#channel = channel;
    this.access = { url: `amqp://127.0.0.1:${gate.port}`, queue };
  }

  static async start(type: 'quorum' | 'stream'): Promise<RabbitmqSender> {
    const rabbit = await Rabbit.open();
    const queue = await rabbit.queue('torture', { 'x-queue-type': type });
    return new RabbitmqSender(rabbit, await Gate.to(RABBITMQ_PORT), queue, await rabbit.confirming());
  }

  async disturb(): Promise<void> {
    this.#gate.shut();
    await setTimeout(100);
    this.#gate.open();
  }

  async close(): Promise<void> {
    await this.#gate.close();
    await this.#rabbit.close();
  }

  protected override async deliver(key: string): Promise<unknown> {
    const options = { persistent: true, messageId: key };
    this.#channel.sendToQueue(this.access.queue, Buffer.from(JSON.stringify({ key })), options);
    return this.#channel.waitForConfirms();
  }
}

/** The cluster for tests of librdkafka: its broker goes down and up, is slow, and answers with errors. */
export class KafkaSender extends NumberedSender {
  readonly access: { readonly brokers: readonly string[] };
  readonly #kafka: MockKafka;
  #disturbances = 0;
  #producer: Producer | undefined;

  private constructor(kafka: MockKafka) {
    super();
    this.#kafka = kafka;
    this.access = { brokers: kafka.brokers };
  }

  static async start(): Promise<KafkaSender> {
    const kafka = await MockKafka.start();
    // More than there are members: one without a partition keeps this cluster from giving any to the others.
    await kafka.topic('torture', 8);
    return new KafkaSender(kafka);
  }

  async disturb(): Promise<void> {
    // A group takes seconds to join: it is disturbed while it reads as well.
    await setTimeout(1_500);
    this.#disturbances += 1;
    switch (this.#disturbances % 3) {
      case 0:
        await this.#kafka.down(1);
        await setTimeout(200);
        return this.#kafka.up(1);
      case 1:
        // Commit: REQUEST_TIMED_OUT.
        return this.#kafka.fail(8, 7, 1);
      default:
        await this.#kafka.latency(1, 100);
        await setTimeout(300);
        return this.#kafka.latency(1, 0);
    }
  }

  async close(): Promise<void> {
    await this.#producer?.disconnect();
    await this.#kafka.stop();
  }

  protected override async deliver(key: string): Promise<unknown> {
    this.#producer ??= await connected(this.#kafka);
    return this.#producer.send({ topic: 'torture', messages: [{ key, value: JSON.stringify({ key }) }] });
  }
}

/** It tries nothing again by itself: how often something was sent has to be known. */
async function connected(kafka: MockKafka): Promise<Producer> {
  const producer = kafka
    .kafka()
    .producer({ retry: { retries: 0 }, createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  return producer;
}
