/** Asks actors wherever they live: in this process without a hop, elsewhere over NATS. */
import type { NatsConnection } from '@nats-io/transport-node';
import type { Asker, Host } from '../actors/host/index.js';
import { requestActor } from '../actors/nats/request-transport.js';
import type { ActorClient } from '../gateway/ports.js';
import { JSON_BOUNDS, parseBoundedJson } from '../kernel/bounded-json.js';
import type { Clock } from '../kernel/clock.js';
import { EngineError, type WireError } from '../kernel/errors.js';
import { partitionOf } from '../kernel/ids.js';
import { ACTOR_KINDS, subjects, type ActorKindName } from '../messages/subjects.js';

/** A partition on the move is asked again this often, until the deadline. */
const RETRY_MS = 50;

export interface ActorClientOptions {
  readonly partitions: number;
  readonly clock: Clock;
  readonly nc: NatsConnection;
  /** The host of this process, where it has one. */
  readonly host: Host<never> | undefined;
}

export class RoutedActorClient implements ActorClient {
  constructor(private readonly options: ActorClientOptions) {}

  async request(
    kind: string,
    token: string,
    verb: string,
    body: unknown,
    { deadlineMs, app, trace }: { deadlineMs: number; app: string; trace?: string },
  ): Promise<unknown> {
    const { clock } = this.options;
    const deadline = clock.monotonicMs() + deadlineMs;
    for (;;) {
      try {
        return await this.attempt(kind, token, verb, body, deadline - clock.monotonicMs(), { app, trace });
      } catch (error) {
        const known = EngineError.from(error);
        const hasMoved = known.family === 'StaleOwner' || known.code === 'OWNER_UNREACHABLE';
        if (!hasMoved || clock.monotonicMs() + RETRY_MS >= deadline) throw known;
        await new Promise<void>((resolve) => void clock.after(RETRY_MS, resolve));
      }
    }
  }

  private attempt(
    kind: string,
    token: string,
    verb: string,
    body: unknown,
    leftMs: number,
    asker: Asker,
  ): Promise<unknown> {
    const { host, partitions } = this.options;
    const partition = partitionOf(token, partitions);
    if (host && isActorKind(kind) && host.serves(partition)) {
      return this.within(leftMs, host.request({ kind, token }, verb, body, asker));
    }
    const subject = isActorKind(kind)
      ? subjects.forwardedRequest(partition, asker.app, kind, token, verb)
      : subjects.request(kind, token, verb);
    return this.remote(subject, body, leftMs, asker.trace);
  }

  /** Asks a subject over NATS and unwraps the answer. */
  async remote(subject: string, body: unknown, leftMs: number, trace?: string): Promise<unknown> {
    const reply = await requestActor(this.options.nc, subject, Buffer.from(JSON.stringify(body)), leftMs, trace);
    const answer: unknown = parseBoundedJson(reply, JSON_BOUNDS.internal);
    const error = (answer as { error?: WireError } | null)?.error;
    if (error && typeof error.code === 'string' && typeof error.family === 'string') throw EngineError.fromWire(error);
    return answer;
  }

  private within(leftMs: number, work: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const cancel = this.options.clock.after(Math.max(1, leftMs), () => reject(unreachable()));
      work.then(
        (value) => {
          cancel();
          resolve(value);
        },
        (error: unknown) => {
          cancel();
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }
}

const isActorKind = (kind: string): kind is ActorKindName => (ACTOR_KINDS as readonly string[]).includes(kind);

const unreachable = (): EngineError =>
  new EngineError('Dependency', 'OWNER_UNREACHABLE', 'The owner of the actor does not answer in time.', {
    retryAfterMs: 500,
  });
