/** The request of a decision as REST takes it: what the actor checks, and a subject, for no address names it here. */
import { parseDecisionRequest } from '../../actors/user/request.js';
import { invalidRequest } from '../../kernel/errors.js';
import { encodeToken } from '../../kernel/ids.js';
import { decisionRequestSchema, VALIDATED, type DecisionRequest } from '../../messages/decisions.js';
import { decodePosition } from '../../messages/tokens.js';

/** For `/docs`. */
export const restDecisionRequestSchema = decisionRequestSchema.required({ subject: true });

export interface AddressedRequest {
  /** With defaults filled in, and marked VALIDATED for an owner in this process. */
  readonly request: DecisionRequest;
  /** Token of the subject's user actor. */
  readonly token: string;
}

interface Raw {
  readonly subject?: { readonly id?: unknown } | null;
}

/**
 * Checks a parsed body. Throws InvalidRequest: those of parseDecisionRequest, `ID_EMPTY`, `ID_TOO_LONG`, `ID_NOT_TEXT`,
 * `TOKEN_INVALID`, each with the field.
 */
export function readDecisionRequest(body: unknown): AddressedRequest {
  const { subject } = (body ?? {}) as Raw;
  const token = typeof subject?.id === 'string' ? encodeToken(subject.id, 'subject.id') : undefined;
  const request = parseDecisionRequest(body);
  if (token === undefined) throw invalidRequest('INVALID_REQUEST', 'subject is required.', 'subject');
  if (request.after !== undefined) decodePosition(request.after);
  (request as { [VALIDATED]?: true })[VALIDATED] = true;
  return { request, token };
}
