import { readFile } from 'node:fs/promises';
import type { ConnectionOptions } from 'node:tls';
import { ConfigError } from '../../../core/errors.js';
import { messageOf } from '../../../core/thrown.js';
import type { KafkaConfig } from './config.js';

/** @throws ConfigError (KAFKA_TLS_FILE) where a file cannot be read */
export async function tlsOptions(tls: KafkaConfig['tls'], sourceId: string): Promise<boolean | ConnectionOptions> {
  if (typeof tls === 'boolean') return tls;
  const read = async (name: keyof typeof tls): Promise<Buffer | undefined> => {
    const path = tls[name];
    if (path === undefined) return undefined;
    try {
      return await readFile(path);
    } catch (error) {
      const message = `tls.${name} cannot be read: ${messageOf(error)}`;
      const fix = 'name a PEM file that this process may read';
      throw new ConfigError([{ severity: 'error', code: 'KAFKA_TLS_FILE', message, fix }], { sourceId, cause: error });
    }
  };
  const [ca, cert, key] = [await read('caFile'), await read('certFile'), await read('keyFile')];
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}
