import type { HeadwaterError } from '../../../core/errors.js';
import { hostText, listenFailure } from '../../../toolkit/listen-failure.js';
import { listenToDatagrams } from '../../../toolkit/receive/datagrams.js';
import type { ListenerConfig, SyslogConfig } from './config.js';
import type { Connections } from './connections.js';
import type { Listener, Receiver } from './receiver.js';
import { listenToConnections } from './stream-listener.js';

export interface Surroundings {
  readonly sourceId: string;
  readonly config: SyslogConfig;
  readonly receiver: Receiver;
  /** Of this opening and of earlier ones, as long as a message of theirs waits. */
  readonly connections: Connections;
}

export interface Opened {
  readonly listeners: readonly Listener[];
  readonly failures: readonly HeadwaterError[];
}

/** Listens wherever it can, in the order of the configuration. */
export async function openListeners({ sourceId, config, receiver, connections }: Surroundings): Promise<Opened> {
  const listeners: Listener[] = [];
  const failures: HeadwaterError[] = [];
  for (const where of config.listen) {
    try {
      const listener =
        where.transport === 'udp'
          ? await listenToMessages(where, config, receiver)
          : await listenToConnections(where, config, receiver, connections);
      listeners.push(listener);
    } catch (error) {
      failures.push(listenFailure(error, { where: describe(where), sourceId, code: 'SYSLOG_LISTEN' }));
    }
  }
  return { listeners, failures };
}

function describe(where: ListenerConfig): string {
  return where.transport === 'unix'
    ? `unix:${where.path}`
    : `${where.transport}://${hostText(where.host)}:${where.port}`;
}

/** One message each, RFC 5426. */
function listenToMessages(
  where: Extract<ListenerConfig, { transport: 'udp' }>,
  { maxMessageBytes: maxBytes, receiveBufferBytes }: SyslogConfig,
  receiver: Receiver,
): Promise<Listener> {
  return listenToDatagrams(
    where,
    { maxBytes, receiveBufferBytes },
    {
      receive: (bytes, remote, isCut) => receiver.receive(bytes, { transport: 'udp', remote }, isCut),
      allows: (address) => receiver.allows(address),
      drop: (reason) => receiver.drop(reason),
    },
  );
}
