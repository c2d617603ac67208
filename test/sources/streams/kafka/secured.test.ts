import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuthenticationError, ConfigError, ConnectionError } from 'headwater';
import { KafkaSource } from 'headwater/sources/streams/kafka';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isKafkaThere, MockKafka } from '../../../services/kafka.js';
import { type FrontOptions, KafkaFront } from '../../../services/kafka-front.js';
import { describeWith, hasProgram } from '../../../services/needs.js';
import { makeCertificate } from '../../../support/certificate.js';
import { collect, range } from '../support.js';
import { numbered, valuesOf } from './support.js';

const isThere = isKafkaThere() && hasProgram('openssl', 'version');
const password = 'correct horse';

describeWith('librdkafka with gcc, and openssl', isThere, 'a Kafka with TLS and SASL', () => {
  const directory = mkdtempSync(join(tmpdir(), 'headwater-kafka-'));
  let cluster: MockKafka;
  beforeAll(async () => {
    cluster = await MockKafka.start();
    await cluster.topic('t', 1);
    await cluster.send('t', numbered(1, 5));
  });
  afterAll(async () => {
    await cluster.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  async function withFront(options: FrontOptions, work: (front: KafkaFront, group: string) => Promise<void>) {
    const front = await KafkaFront.before(cluster, options);
    try {
      await work(front, `g-${front.brokers[0]}`);
    } finally {
      await front.close();
    }
  }

  function open(front: KafkaFront, group: string, tls: unknown, credentials?: object): Promise<KafkaSource> {
    const times = { heartbeatMs: 300, sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 3_000, maxWaitMs: 100 };
    const reconnect = { retries: 0 };
    const config = { brokers: front.brokers, topics: ['t'], group, tls: tls as true, idleMs: 500, ...times, reconnect };
    return KafkaSource.create({ id: 'k', config, ...(credentials && { credentials: credentials as never }) });
  }

  it.concurrent('is read over TLS by an authority of its own, signed in by SCRAM', async () => {
    const { keyFile, certFile } = makeCertificate(directory, 'kafka');
    const tls = { key: readFileSync(keyFile), cert: readFileSync(certFile) };
    await withFront({ tls, sasl: { mechanism: 'SCRAM-SHA-512', user: 'reader', password } }, async (front, group) => {
      const source = await open(front, group, { caFile: certFile }, { user: 'reader', password });
      expect(valuesOf(await collect(source.generateEvents()))).toEqual(range(1, 5));
      expect(await source.validate()).toMatchObject({ ok: true });
      expect(front.admitted).toBeGreaterThan(1);
      await source.close();
      const stranger = await open(front, group, true, { user: 'reader', password });
      const error = await collect(stranger.generateEvents()).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ConnectionError);
      expect((error as Error).message).toContain('self-signed certificate');
      await stranger.close();
    });
  }, 60_000);

  it.concurrent('asks who reads for a certificate, where it is told to', async () => {
    const [own, client] = [makeCertificate(directory, 'broker'), makeCertificate(directory, 'client')];
    const files = { key: readFileSync(own.keyFile), cert: readFileSync(own.certFile) };
    const tls = { ...files, ca: readFileSync(client.certFile), requestCert: true, rejectUnauthorized: true };
    await withFront({ tls }, async (front, group) => {
      const known = await open(front, group, { caFile: own.certFile, ...client });
      expect(valuesOf(await collect(known.generateEvents()))).toEqual(range(1, 5));
      await known.close();
      const unknown = await open(front, group, { caFile: own.certFile });
      await expect(collect(unknown.generateEvents())).rejects.toThrow(ConnectionError);
      await unknown.close();
    });
  }, 60_000);

  it.concurrent('lets nobody in with a wrong password or another mechanism, and tells no password', async () => {
    for (const mechanism of ['PLAIN', 'SCRAM-SHA-512'] as const) {
      await withFront({ sasl: { mechanism, user: 'reader', password } }, async (front, group) => {
        const own = mechanism === 'PLAIN' ? 'plain' : 'scram-sha-512';
        const wrong = [
          { mechanism: own, user: 'reader', password: 'hunter two' },
          { mechanism: own, user: 'stranger', password: 'hunter two' },
          { mechanism: 'scram-sha-256', user: 'reader', password: 'hunter two' },
        ];
        for (const credentials of wrong) {
          const source = await open(front, group, false, credentials);
          const error = await collect(source.generateEvents()).catch((reason: unknown) => reason);
          expect(error).toBeInstanceOf(AuthenticationError);
          expect(error).toMatchObject({ code: 'KAFKA_LOGIN' });
          expect(`${error} ${JSON.stringify(error)}`).not.toContain('hunter');
          expect(await source.validate()).toMatchObject({ ok: false, problems: [{ code: 'KAFKA_LOGIN' }] });
          await source.close();
        }
        const source = await open(front, group, false, { mechanism: own, user: 'reader', password });
        expect(await source.validate()).toMatchObject({ ok: true });
        await source.close();
      });
    }
  }, 60_000);

  it('files that are not there, half of a pair', async () => {
    await withFront({}, async (front, group) => {
      const source = await open(front, group, { caFile: '/nowhere/ca.pem' });
      const error = await collect(source.generateEvents()).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ConfigError);
      expect((error as Error).message).toContain('tls.caFile');
      await source.close();
      await expect(open(front, group, { certFile: 'a.pem' })).rejects.toThrow('give both, or none');
    });
  });
});
