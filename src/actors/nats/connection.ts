/** One connection to NATS that comes back by itself, and says when it is gone and when it is back. */
import { connect as connectTransport, errors, type NatsConnection } from '@nats-io/transport-node';
import { EngineError } from '../../kernel/errors.js';
import { UnreadableBook } from '../../kernel/read-json.js';

const CONNECT_TIMEOUT_MS = 5_000;
const RECONNECT_WAIT_MS = 200;
const RECONNECT_JITTER_MS = 100;
const PING_INTERVAL_MS = 10_000;

/** The part of a logger that a link needs. */
export interface LinkLog {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
}

export interface LinkOptions {
  /** One URL, or several separated by commas. */
  readonly url: string;
  readonly user?: string;
  readonly pass?: string;
  /** Shown in the server's monitoring. */
  readonly name: string;
  readonly log: LinkLog;
}

export interface LinkListener {
  /** The connection is gone: what was in flight has no answer any more. */
  down?(): void;
  /** Connected again, subscriptions re-made. */
  up?(): void;
}

export interface NatsLink {
  readonly nc: NatsConnection;
  /** False from the loss of the connection until it is back. */
  readonly up: boolean;
  /** What came over it, or was stored behind it, and could not be read. */
  readonly unreadable: UnreadableBook;
  /** Calls the listener on every change; the returned function ends that. */
  watch(listener: LinkListener): () => void;
  /** Ends the connection for good, after flushing; idempotent. */
  close(): Promise<void>;
}

/**
 * Connects, and reconnects for ever once it has. Rejects with Dependency `NATS_UNREACHABLE` or Configuration
 * `NATS_CREDENTIALS_REFUSED` where the first attempt fails.
 */
export async function connect(options: LinkOptions): Promise<NatsLink> {
  const servers = options.url.split(',').map((url) => url.trim());
  let nc: NatsConnection;
  try {
    nc = await connectTransport({
      servers,
      ...(options.user === undefined ? {} : { user: options.user }),
      ...(options.pass === undefined ? {} : { pass: options.pass }),
      name: options.name,
      timeout: CONNECT_TIMEOUT_MS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      reconnectJitter: RECONNECT_JITTER_MS,
      pingInterval: PING_INTERVAL_MS,
      // A server that is being reconfigured may refuse credentials for a moment; giving up would need a restart.
      ignoreAuthErrorAbort: true,
      // A stack trace per request costs more than the request.
      noAsyncTraces: true,
    });
  } catch (cause) {
    throw connectError(servers, cause);
  }
  return new Link(nc, options.log);
}

function connectError(servers: readonly string[], cause: unknown): EngineError {
  const hosts = servers.map((url) => url.replace(/\/\/[^@/]*@/, '//')).join(', ');
  if (cause instanceof errors.AuthorizationError) {
    return new EngineError('Configuration', 'NATS_CREDENTIALS_REFUSED', `NATS at ${hosts} refused the credentials.`, {
      cause,
    });
  }
  return new EngineError('Dependency', 'NATS_UNREACHABLE', `NATS at ${hosts} does not answer.`, { cause });
}

class Link implements NatsLink {
  readonly nc: NatsConnection;
  readonly unreadable: UnreadableBook;
  readonly #log: LinkLog;
  readonly #listeners = new Set<LinkListener>();
  #up = true;

  constructor(nc: NatsConnection, log: LinkLog) {
    this.nc = nc;
    this.#log = log;
    this.unreadable = new UnreadableBook(log);
    void this.#follow();
  }

  get up(): boolean {
    return this.#up;
  }

  watch(listener: LinkListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.nc.isClosed()) return;
    // A flush waits for the server, and without one it would wait for ever.
    if (this.#up) await this.nc.flush().catch(() => undefined);
    await this.nc.close();
    this.#turn(false);
  }

  async #follow(): Promise<void> {
    for await (const status of this.nc.status()) {
      switch (status.type) {
        case 'disconnect':
          if (!this.#up) break;
          this.#log.warn('nats connection lost', { server: status.server });
          this.#turn(false);
          break;
        case 'reconnect':
          this.#log.info('nats connection is back', { server: status.server });
          this.#turn(true);
          break;
        case 'error':
          this.#log.warn('nats error', { error: status.error.message });
          break;
        case 'close':
          this.#turn(false);
          break;
        default:
          break;
      }
    }
  }

  #turn(up: boolean): void {
    if (this.#up === up) return;
    this.#up = up;
    for (const listener of [...this.#listeners]) {
      if (up) listener.up?.();
      else listener.down?.();
    }
  }
}
