import { EngineError } from '../../kernel/errors.js';
import { parsePartitionSubject } from '../../messages/subjects.js';
import type { SimulatedConnection } from './connection.js';

/**
 * Sends one request to whoever serves the subject's partition and resolves to the first answer. Rejects with Dependency
 * `OWNER_UNREACHABLE` when nobody serves it or nobody answers in time; it may have been carried out all the same.
 */
export function requestActor(
  connection: SimulatedConnection,
  subject: string,
  payload: Uint8Array,
  timeoutMs: number,
  trace?: string,
): Promise<Uint8Array> {
  const { server, process } = connection;
  const partition = parsePartitionSubject(subject)!.partition;
  return new Promise((resolve, reject) => {
    const fail = (): void =>
      reject(new EngineError('Dependency', 'OWNER_UNREACHABLE', 'The owner does not answer.', { retryAfterMs: 100 }));
    const cancelTimeout = process.clock.after(timeoutMs, fail);
    const answer = connection.replier();
    const settle = (how: () => void): void =>
      answer(() => {
        cancelTimeout();
        how();
      });
    connection.send(() => {
      const subscribers = server.subscribers(partition);
      if (subscribers.length === 0) return settle(fail);
      for (const { connection: owner, deliver } of subscribers) {
        owner.replier()(() =>
          deliver({ subject, payload, trace }, (bytes) => owner.send(() => settle(() => resolve(bytes)))),
        );
      }
    });
  });
}
