/** The anonymous stand-in of a subject without consent. */
import { createHmac } from 'node:crypto';
import { partitionOf } from '../../kernel/ids.js';
import type { DecisionRequest } from '../../messages/decisions.js';
import type { ActorAddress } from '../host/actor-kind.js';
import type { DecisionServices } from './services.js';

export interface StandIn {
  readonly token: string;
  readonly partition: number;
  readonly partitions: number;
  readonly samplingKey: DecisionServices['samplingKey'];
  readonly nonce: () => string;
}

/**
 * An anonymous actor in the subject's own partition, so that the request stays with this owner. One for a session, so
 * that its caps count there; one for a request that may be repeated; otherwise one for this request alone. Without the
 * key nobody can tell from its id who is behind it.
 */
export function anonymousAddress(request: DecisionRequest, standIn: StandIn): ActorAddress {
  const { partition, partitions } = standIn;
  const base = baseOf(request, standIn);
  for (let suffix = 0; ; suffix++) {
    const token = `${base}-${suffix.toString(36)}`;
    if (partitionOf(token, partitions) === partition) return { kind: 'anon', token };
  }
}

function baseOf(request: DecisionRequest, { token, samplingKey, nonce }: StandIn): string {
  if (request.sessionId !== undefined) return hide(samplingKey, `session\0${token}\0${request.sessionId}`);
  if (request.requestId !== undefined) return hide(samplingKey, `request\0${token}\0${request.requestId}`);
  return nonce();
}

const hide = (key: DecisionServices['samplingKey'], text: string): string =>
  createHmac('sha256', key).update(`anon\0${text}`).digest('base64url').slice(0, 20);
