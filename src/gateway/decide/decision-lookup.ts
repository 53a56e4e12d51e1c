import { EngineError } from '../../kernel/errors.js';
import type { DecisionBody } from '../../messages/decisions.js';
import { parseDecisionId } from '../../messages/tokens.js';
import type { ActorClient, RequestOrigin, FactsReader } from '../ports.js';

export interface FoundDecision {
  /** Kind and token of the actor that made it. */
  readonly kind: string;
  readonly token: string;
  readonly nonce: string;
  readonly body: DecisionBody;
}

/** Finds a decision at its actor, and past the actor's memory among the facts. */
export class DecisionLookup {
  constructor(
    private readonly actors: ActorClient,
    private readonly facts: FactsReader | undefined,
    private readonly deadlineMs: number,
  ) {}

  /** Rejects with NotFound `DECISION_UNKNOWN`, or with the actor's error where that leaves it open. */
  async find(decisionId: string, { id: trace, app }: RequestOrigin): Promise<FoundDecision> {
    const address = parseDecisionId(decisionId);
    if (!address) throw unknownDecision();
    let actorError: EngineError | undefined;
    try {
      const body = await this.actors.request(
        address.kind,
        address.token,
        'decision',
        { decisionId },
        { deadlineMs: this.deadlineMs, app, trace },
      );
      if (body !== undefined && body !== null) return { ...address, body: body as DecisionBody };
    } catch (thrown) {
      actorError = EngineError.from(thrown);
      if (actorError.family !== 'NotFound' && actorError.disposition !== 'retry') throw actorError;
    }
    const fact = await this.facts?.decision(decisionId);
    if (fact) return { ...address, body: fact };
    if (actorError && actorError.family !== 'NotFound') throw actorError;
    throw unknownDecision();
  }
}

const unknownDecision = (): EngineError =>
  new EngineError('NotFound', 'DECISION_UNKNOWN', 'No decision with this id is known.', { field: 'decisionId' });
