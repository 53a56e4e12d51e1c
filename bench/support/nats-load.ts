/** Events over NATS as an app sends them: published with a reply inbox, in groups, every acknowledgement checked. */
import { AckedPublisher } from '../../src/actors/nats/acked-publisher.js';
import { connect, type LinkLog } from '../../src/actors/nats/connection.js';
import { subjects } from '../../src/messages/subjects.js';

export const silentLog: LinkLog = { info: () => undefined, warn: () => undefined };

const GROUP = 256;
const GROUPS_IN_FLIGHT = 16;
/** On a machine whose every core is taken an acknowledgement may be late; that is slow, and not lost. */
const ACK_TIMEOUT_MS = 15_000;

export interface NatsEvent {
  readonly user: string;
  readonly type: string;
  readonly id: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface AppUser {
  readonly url: string;
  readonly user: string;
  readonly pass: string;
}

/**
 * Publishes `count` events through the server's mappings. Resolves to the seconds it took; rejects unless the journals
 * have stored every one of them.
 */
export async function publishEvents(app: AppUser, count: number, eventOf: (n: number) => NatsEvent): Promise<number> {
  const link = await connect({ ...app, name: 'bench-app', log: silentLog });
  try {
    const publisher = new AckedPublisher(link, { ackTimeoutMs: ACK_TIMEOUT_MS });
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < count) {
        const from = next;
        next = Math.min(count, next + GROUP);
        const messages = Array.from({ length: next - from }, (_, i) => messageOf(eventOf(from + i)));
        const outcomes = await publisher.publish(messages);
        const lost = outcomes.find((outcome) => outcome.status !== 'stored');
        if (lost) throw new Error(`an event was not stored: ${JSON.stringify(lost)}`);
      }
    };
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: GROUPS_IN_FLIGHT }, lane));
    return (performance.now() - startedMs) / 1000;
  } finally {
    await link.close();
  }
}

const messageOf = ({ user, type, id, data = {} }: NatsEvent): { subject: string; payload: Uint8Array } => ({
  subject: subjects.event('user', user, type),
  payload: Buffer.from(JSON.stringify({ specversion: '1.0', id, source: 'bench', data })),
});
