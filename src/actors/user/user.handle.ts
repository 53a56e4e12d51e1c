/** Requests to `user` and `anon` actors, by verb: `decide`, `decision`, `view`, `consent`. */
import { EngineError, invalidRequest } from '../../kernel/errors.js';
import { encodeToken } from '../../kernel/ids.js';
import type { CampaignLedger } from '../../messages/campaigns.js';
import type { ConsentAnswer } from '../../messages/consent.js';
import type { DecisionBody, DecisionRequest } from '../../messages/decisions.js';
import { encodePosition, parseDecisionId } from '../../messages/tokens.js';
import type { HandleContext, Handling } from '../host/actor-kind.js';
import { anonymousAddress } from './anonymous.js';
import { answerOf } from './answer.js';
import { hasConsent } from './consent.js';
import { consentOutcomes } from './consent-outcome.js';
import { decide } from './decide.js';
import { findByNonce, findByRequestId } from './recent-decisions.js';
import { checkCells, hashRequest, parseDecisionRequest, surfaceOf } from './request.js';
import type { DecisionServices } from './services.js';
import type { UserState } from './state.js';
import { viewOf } from './view.js';

type Context = HandleContext<CampaignLedger, DecisionServices>;

/** Handles one request; never throws for what the request is to blame for. */
export function handleUser(state: UserState, verb: string, request: unknown, ctx: Context): Handling {
  try {
    switch (verb) {
      case 'decide':
        return handleDecide(state, request, ctx);
      case 'decision':
        return handleDecision(state, request, ctx);
      case 'view':
        return { do: 'reply', body: viewOf(state, { ...ctx, inFlight: ctx.overlay.length }) };
      case 'consent':
        return { do: 'reply', body: handleConsent(state, request, ctx) };
      default:
        return fail(new EngineError('NotFound', 'UNKNOWN_VERB', `${verb} is nothing a user can be asked.`));
    }
  } catch (error) {
    return fail(EngineError.from(error));
  }
}

const fail = (error: EngineError): Handling => ({ do: 'fail', error: error.toWire() });

function handleDecide(state: UserState, body: unknown, ctx: Context): Handling {
  const request = parseDecisionRequest(body);
  const surface = surfaceOf(request, ctx.services.surfaces);
  checkCells(request, surface, ctx.settings.h3Resolution);
  const { address } = ctx;
  if (address.kind === 'user') {
    if (request.subject !== undefined && encodeToken(request.subject.id, 'subject.id') !== address.token)
      throw invalidRequest('INVALID_REQUEST', 'subject.id is not the id in the address.', 'subject.id');
    if (!hasConsent(state, surface.purpose)) return redirect(request, ctx);
  }
  const repeated = request.requestId === undefined ? undefined : repeatOf(state, request, ctx);
  if (repeated !== undefined) return repeated;
  const decision = decide(state, request, surface, ctx);
  return {
    do: 'append',
    class: 'decision',
    address,
    key: decision.id,
    body: decision,
    reply: ({ token }) => answerOf(decision, token),
    // Whatever it was refused for, the state says so by now: deciding anew takes it into account.
    refused: () => undefined,
  };
}

function redirect(request: DecisionRequest, ctx: Context): Handling {
  const { partition, settings, services, nonce, address } = ctx;
  const { partitions } = settings;
  const { samplingKey } = services;
  return {
    do: 'redirect',
    address: anonymousAddress(request, { token: address.token, partition, partitions, samplingKey, nonce }),
  };
}

/** What a requestId that was used before is answered with; undefined for a new one. */
function repeatOf(state: UserState, request: DecisionRequest, ctx: Context): Handling | undefined {
  const requestId = request.requestId!;
  const known = findByRequestId(state.recent, requestId);
  const inFlight =
    known === undefined
      ? (ctx.overlay as readonly DecisionBody[]).find((decision) => decision.requestId === requestId)
      : undefined;
  const hash = known?.requestHash ?? inFlight?.requestHash;
  if (hash === undefined) return undefined;
  if (hash !== hashRequest(request)) {
    const text = 'This requestId was used for another request.';
    return fail(new EngineError('Conflict', 'REQUEST_ID_CONFLICT', text, { field: 'requestId' }));
  }
  return known === undefined ? { do: 'join', key: inFlight!.id } : reread(known.sequence, ctx, answerOf);
}

/** Asked once the changes are folded, as far as the host could wait for them. */
function handleConsent(state: UserState, body: unknown, { address, nowMs, degraded }: Context): ConsentAnswer {
  if (address.kind !== 'user')
    throw invalidRequest('CONSENT_OF_USER', 'Consent is a subject’s, not that of an anonymous stand-in.', 'subject');
  return consentOutcomes(state, body, { nowMs, isPending: degraded.includes('after') });
}

/** The decision as it was journaled, and the token of its place. */
function handleDecision(state: UserState, body: unknown, ctx: Context): Handling {
  const decisionId = (body as { decisionId?: unknown } | null | undefined)?.decisionId;
  const parsed = typeof decisionId === 'string' ? parseDecisionId(decisionId) : undefined;
  if (parsed === undefined)
    throw invalidRequest('INVALID_REQUEST', 'decisionId is not the id of a decision.', 'decisionId');
  const isOwn = parsed.kind === ctx.address.kind && parsed.token === ctx.address.token;
  const known = isOwn ? findByNonce(state.recent, parsed.nonce) : undefined;
  if (known !== undefined) return reread(known.sequence, ctx, (decision) => decision);
  // It may have been answered before it is folded: nobody else knows its id.
  const ahead = (ctx.overlay as readonly DecisionBody[]).find(({ id }) => id === decisionId);
  if (ahead !== undefined) return { do: 'reply', body: ahead };
  return fail(new EngineError('NotFound', 'DECISION_UNKNOWN', 'The actor does not know this decision any more.'));
}

function reread(sequence: number, ctx: Context, reply: (decision: DecisionBody, token: string) => unknown): Handling {
  const token = encodePosition({ identity: ctx.identity, partition: ctx.partition, sequence });
  return { do: 'reread', sequence, reply: (record) => reply(record as DecisionBody, token) };
}
