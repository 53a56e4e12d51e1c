/** Requests to actors over NATS, both ends, and the state broadcast. */
import { errors, headers, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { EngineError } from '../../kernel/errors.js';
import { subjects } from '../../messages/subjects.js';
import type { RequestEnvelope, RequestTransport } from '../host/ports.js';
import type { AckedPublisher } from './acked-publisher.js';
import type { LinkLog, NatsLink } from './connection.js';

/** Carries the trace id of a request; replies have none. */
export const TRACE_HEADER = 'Attune-Trace';
/** What a trace id may look like: it is journaled with what the request causes, so it is short. Any other is passed over. */
const TRACE = /^[0-9A-Za-z._:-]{1,64}$/;
/** About as long as a failover's poll for a lease. */
const RETRY_AFTER_MS = 500;

export class NatsRequestTransport implements RequestTransport {
  readonly #link: NatsLink;
  readonly #log: LinkLog;
  readonly #publisher: AckedPublisher;

  constructor(link: NatsLink, log: LinkLog, publisher: AckedPublisher) {
    this.#link = link;
    this.#publisher = publisher;
    this.#log = log;
  }

  serve(partition: number, handler: (request: RequestEnvelope) => Promise<Uint8Array>): () => void {
    // No queue group: while two hosts believe that they own the partition both answer, and the journal has fenced one.
    const subscription = this.#link.nc.subscribe(subjects.partitionRequests(partition), {
      callback: this.#link.unreadable.guard('request', (message: Msg) => void this.#answer(message, handler)),
    });
    return () => subscription.unsubscribe();
  }

  async broadcast(subject: string, payload: Uint8Array): Promise<boolean> {
    const [outcome] = await this.#publisher.publish([{ subject, payload }]);
    return outcome!.status === 'stored';
  }

  async #answer(message: Msg, handler: (request: RequestEnvelope) => Promise<Uint8Array>): Promise<void> {
    const said = message.headers?.get(TRACE_HEADER) ?? '';
    const trace = TRACE.test(said) ? said : undefined;
    let reply: Uint8Array;
    try {
      reply = await handler({ subject: message.subject, payload: message.data, trace });
    } catch (error) {
      const engineError = EngineError.from(error);
      if (engineError.disposition === 'crash') {
        this.#log.warn('request handler failed', { subject: message.subject, trace, error: String(error) });
      }
      reply = Buffer.from(JSON.stringify({ error: engineError.toWire() }));
    }
    try {
      message.respond(reply);
    } catch (error) {
      this.#log.warn('reply dropped', { subject: message.subject, trace, error: String(error) });
    }
  }
}

/**
 * Sends one request to whoever serves the subject and resolves to the reply's bytes. Rejects with Dependency
 * `OWNER_UNREACHABLE` (retryAfterMs set) when nobody does, or no reply came within `timeoutMs`; the request may still
 * have been carried out then.
 */
export async function requestActor(
  nc: NatsConnection,
  subject: string,
  payload: Uint8Array,
  timeoutMs: number,
  trace?: string,
): Promise<Uint8Array> {
  try {
    const reply = await nc.request(subject, payload, { timeout: Math.max(1, timeoutMs), ...traced(trace) });
    return reply.data;
  } catch (cause) {
    if (cause instanceof errors.InvalidArgumentError) {
      throw new EngineError('InvalidRequest', 'REQUEST_TOO_LARGE', 'The request is larger than NATS carries.', {
        cause,
      });
    }
    throw new EngineError('Dependency', 'OWNER_UNREACHABLE', 'The owner of the actor does not answer.', {
      retryAfterMs: RETRY_AFTER_MS,
      cause,
    });
  }
}

function traced(trace: string | undefined): { headers?: ReturnType<typeof headers> } {
  if (trace === undefined) return {};
  const carried = headers();
  carried.set(TRACE_HEADER, trace);
  return { headers: carried };
}
