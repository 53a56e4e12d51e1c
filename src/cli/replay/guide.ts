/** Asks the heatmap surface, once an hour of the data, where a driver should be for the next one. */
import type { DecisionAnswer } from '../../messages/decisions.js';
import type { ApiClient } from '../api-client.js';

const DEADLINE_MS = 5_000;

export interface GuideTotals {
  asked: number;
  /** Answers that missed a part, by the part. */
  readonly degraded: Record<string, number>;
  /** Answers that a fallback gave, by its reason. */
  readonly fallbacks: Record<string, number>;
  /** Answers by policy and version, as in `demand-softmax@1`. */
  readonly policies: Record<string, number>;
}

/** Zones for the 60 minutes asked about, best first. */
export interface Guidance {
  /** As sampled, exploration included. */
  readonly served: readonly string[];
  /** The same zones by the policy's score. */
  readonly byScore: readonly string[];
}

export class Guide {
  readonly totals: GuideTotals = { asked: 0, degraded: {}, fallbacks: {}, policies: {} };
  private after: string | undefined;

  constructor(
    private readonly api: Pick<ApiClient, 'decide' | 'send'>,
    private readonly options: { readonly surface: string; readonly driver: string; readonly k: number },
  ) {}

  /** Without consent there is no personal answer, and no driver would get one. */
  async grantConsent(source: string): Promise<void> {
    const { driver } = this.options;
    const id = 'consent';
    const { accepted } = await this.api.send([{ id, source, type: 'consent.granted', subject: `user/${driver}` }]);
    this.after = accepted[0]?.token;
  }

  async zonesFor(atMs: number): Promise<Guidance> {
    const { surface, driver, k } = this.options;
    const answer = await this.api.decide({
      surface,
      subject: { kind: 'driver', id: driver },
      context: { atMs },
      k,
      deadlineMs: DEADLINE_MS,
      ...(this.after === undefined ? {} : { after: this.after }),
    });
    this.count(answer);
    const served = answer.slate.map(({ id }) => id);
    const byScore = [...answer.slate].sort((a, b) => b.score - a.score).map(({ id }) => id);
    return { served, byScore };
  }

  private count({ degraded, fallbackReason, policy }: DecisionAnswer): void {
    const { totals } = this;
    totals.asked++;
    for (const part of degraded) totals.degraded[part] = (totals.degraded[part] ?? 0) + 1;
    if (fallbackReason !== null) totals.fallbacks[fallbackReason] = (totals.fallbacks[fallbackReason] ?? 0) + 1;
    const ref = `${policy.id}@${policy.version}`;
    totals.policies[ref] = (totals.policies[ref] ?? 0) + 1;
  }
}
