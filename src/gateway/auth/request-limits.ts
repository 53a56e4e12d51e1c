/** What a request costs, and who pays: its address before anybody knows who calls, and then the caller. */
import type { FastifyRequest } from 'fastify';
import type { Clock } from '../../kernel/clock.js';
import { addressKey } from './addresses.js';
import { RateLimit } from './rate-limit.js';

/** A body costs a point more for each of these that it has begun beyond the first. */
const BYTES_PER_POINT = 64 * 1024;

export const pointsOfBytes = (bytes: number): number => (bytes > 0 ? Math.floor(bytes / BYTES_PER_POINT) : 0);

export interface RequestLimitsOptions {
  /** Points a second; 0: no limit. */
  readonly perAddress: number;
  readonly perKey: number;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

/** All throw Overloaded `RATE_LIMITED`. */
export class RequestLimits {
  private readonly perAddress: RateLimit | undefined;
  private readonly perKey: RateLimit | undefined;

  constructor({ perAddress, perKey, clock }: RequestLimitsOptions) {
    this.perAddress = perAddress === 0 ? undefined : new RateLimit(perAddress, 'address', clock);
    this.perKey = perKey === 0 ? undefined : new RateLimit(perKey, 'caller', clock);
  }

  /** Of any request, before anything else is done for it. */
  admitAddress(request: FastifyRequest): void {
    this.perAddress?.take(addressKey(request.ip), 1 + pointsOfBytes(declaredBytes(request)));
  }

  /** Of what never became a request, and so says nothing of a body. */
  admitUnparsed(address: string | undefined): void {
    this.perAddress?.take(addressKey(address), 1);
  }

  /** Of a request whose caller is known. */
  admitCaller(request: FastifyRequest): void {
    this.perKey?.take(callerKey(request), 1 + pointsOfBytes(declaredBytes(request)));
  }

  /** For what turned out once the body was read: more bytes than were declared, events beyond the first. */
  charge(request: FastifyRequest, points: number): void {
    if (points <= 0) return;
    this.perAddress?.take(addressKey(request.ip), points);
    this.perKey?.take(callerKey(request), points);
  }

  /** The bytes that a body came to, packed or not. */
  chargeBytes(request: FastifyRequest, bytes: number): void {
    this.charge(request, pointsOfBytes(bytes) - pointsOfBytes(declaredBytes(request)));
  }
}

const declaredBytes = ({ headers }: FastifyRequest): number => Number(headers['content-length'] ?? 0);

/** Without keys the address is the caller. */
const callerKey = (request: FastifyRequest): string =>
  request.caller.key === undefined ? addressKey(request.ip) : request.caller.key;
