import type { IncomingMessage, ServerResponse } from 'node:http';
import { handleNode } from './node-handler.js';
import type { Receiver } from './receiver.js';

/** The part of a Fastify instance that is used; the package need not be installed. */
export interface FastifyLike {
  readonly prefix: string;
  removeAllContentTypeParsers(): void;
  addContentTypeParser(
    type: string,
    parser: (request: unknown, payload: unknown, done: (error: Error | null, body?: unknown) => void) => void,
  ): unknown;
  all(path: string, handler: (request: FastifyRequestLike, reply: FastifyReplyLike) => void): unknown;
}

interface FastifyRequestLike {
  readonly raw: IncomingMessage;
}

interface FastifyReplyLike {
  readonly raw: ServerResponse;
  hijack(): unknown;
}

/** A plugin for Fastify: `await app.register(source.fastifyPlugin(), { prefix: '/hooks' })`. */
export type FastifyPlugin = (instance: FastifyLike, options: unknown) => Promise<void>;

/** Everything below its prefix goes to the receiver, unparsed; the parsers of the host are untouched elsewhere. */
export function createFastifyPlugin(receiver: Receiver): FastifyPlugin {
  return async (instance) => {
    instance.removeAllContentTypeParsers();
    instance.addContentTypeParser('*', (_request, _payload, done) => done(null));
    instance.all('/*', ({ raw: request }, reply) => {
      reply.hijack();
      void handleNode(receiver, request, reply.raw, withoutPrefix(request.url ?? '/', instance.prefix));
    });
  };
}

function withoutPrefix(url: string, prefix: string): string {
  return url.startsWith(prefix) ? url.slice(prefix.length) : url;
}
