/**
 * Answers while a subject's owner is out of reach: nothing is known of the subject, nothing is counted and nothing is
 * journaled, so only candidates that need none of that may be shown.
 */
import { randomBytes } from 'node:crypto';
import { isoTime } from '../../kernel/iso-time.js';
import type { DecisionAnswer, DecisionRequest, Filtered, Candidate } from '../../messages/decisions.js';
import { decisionIdOf } from '../../messages/tokens.js';
import type { PolicyDirectory } from '../../policies/policy.js';
import type { Surface } from '../../surfaces/surface.js';
import { capKey } from './caps.js';
import { choose } from './choose.js';
import { parseDecisionRequest, surfaceOf } from './request.js';
import type { DecisionServices } from './services.js';

export interface FallbackDeps extends Pick<DecisionServices, 'surfaces' | 'samplingKey' | 'faults'> {
  readonly policies: PolicyDirectory;
  /** Wall-clock milliseconds since the epoch. */
  readonly nowMs: () => number;
}

export interface FallbackDecider {
  /**
   * A non-personal answer from the static end of the surface's chain. `reason` becomes its fallbackReason. Throws
   * InvalidRequest as an owner would.
   */
  decide(request: DecisionRequest, reason: string): DecisionAnswer;
}

/** Who a decision belongs to that no actor knows: reactions to it are ignored. */
const NOBODY = 'nobody';
const NOBODY_NONCE_BYTES = 12;

export function createFallbackDecider(deps: FallbackDeps): FallbackDecider {
  return {
    decide(given, reason) {
      const request = parseDecisionRequest(given);
      const surface = surfaceOf(request, deps.surfaces);
      const eligible: Candidate[] = [];
      const filtered: Filtered[] = [];
      for (const candidate of request.candidates ?? []) {
        const rule = ruleAgainst(surface, candidate);
        if (rule === undefined) eligible.push(candidate);
        else filtered.push({ id: candidate.id, rule });
      }
      const nowMs = deps.nowMs();
      const decisionId = decisionIdOf(randomBytes(NOBODY_NONCE_BYTES).toString('hex'), 'anon', NOBODY);
      const choice = choose(
        {
          surface: { ...surface, chain: surface.chain.slice(-1), exploration: { floor: 0 } },
          context: {
            surface: surface.id,
            subjectKind: request.subject?.kind ?? surface.subjectKinds[0]!,
            personalized: false,
            context: request.context,
            features: {},
            nowMs,
          },
          candidates: eligible,
          k: Math.min(request.k ?? surface.slate.k, surface.slate.max),
          decisionId,
        },
        deps.policies,
        deps,
      );
      return {
        decisionId,
        surface: surface.id,
        slate: choice.slate.map(({ id, score, propensity, reasons, forced }) =>
          forced === undefined ? { id, score, propensity, reasons } : { id, score, propensity, reasons, forced },
        ),
        policy: choice.policy,
        personalized: false,
        filtered,
        degraded: request.candidates === undefined ? ['owner', 'candidates'] : ['owner'],
        fallbackReason: reason,
        validUntil: isoTime(nowMs + surface.validMs),
        token: '',
        latencyMs: 0,
      };
    },
  };
}

/** A cap cannot be checked, a budget not be held, and consent not be known. */
function ruleAgainst(surface: Surface, candidate: Candidate): string | undefined {
  if (!candidate.nonPersonal) return 'consent';
  if (surface.rules.forbids(candidate)) return 'forbidden';
  if (candidate.campaign !== undefined) return 'budget';
  const cap = surface.caps.find((one) => capKey(one, candidate) !== undefined);
  return cap === undefined ? undefined : `cap.${cap.name}`;
}
