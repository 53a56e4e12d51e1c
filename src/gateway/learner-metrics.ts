/** What learners say of themselves, as Prometheus gauges. */
import { Gauge, type Registry } from 'prom-client';
import type { LearnerStatus } from '../actors/learner/status.js';

type Value = (status: LearnerStatus) => number | null;

const MEASURES: readonly (readonly [name: string, help: string, value: Value])[] = [
  ['experiences', 'Experiences of its surface that it has read.', (one) => one.experiences],
  ['learned', 'Experiences and corrections that changed it.', (one) => one.learned],
  ['corrections', 'Corrections of its surface’s experience.', (one) => one.corrections],
  ['reward_mean', 'Moving mean of the reward.', (one) => one.rewardMean],
  ['loss_mean', 'Moving mean of its own loss.', (one) => one.lossMean],
  [
    'regret_proxy',
    'How much less was earned than by always showing the best action (self-normalised importance sampling).',
    (one) => one.regretProxy,
  ],
  [
    'exploration_share',
    'Share of decisions that did not show the policy’s favourite first.',
    (one) => one.explorationShare,
  ],
  ['action_coverage', 'Share of eligible actions that had been tried.', (one) => one.coverage.actions],
  ['states_visited', 'Distinct states met.', (one) => one.coverage.states],
  ['staleness_seconds', 'How long the live version lacks something that was learned.', (one) => one.stalenessMs / 1000],
  ['unpublished', 'Experiences learned that the live version does not have.', (one) => one.unpublished],
  ['lag_records', 'Records of the experience stream that wait to be read.', (one) => one.lag],
  ['version', 'The live version of its policy.', (one) => one.version],
  ['published_timestamp_seconds', 'When the live version was published.', (one) => secondsOf(one.lastPublishMs)],
  ['gate_candidates', 'Candidates that its gate has put on trial.', (one) => one.gate?.candidates ?? null],
  ['gate_alpha_spent', 'Chance of a wrong promotion spent on them.', (one) => one.gate?.alphaSpent ?? null],
  ['gate_held_out', 'Held-out decisions read.', (one) => one.gate?.heldOut ?? null],
  ['gate_challenger', 'The version on trial.', (one) => one.gate?.alias.challenger ?? null],
  ['gate_anchor', 'The version that never changes.', (one) => one.gate?.alias.anchor ?? null],
  ['gate_decisions', 'Held-out decisions that judged the challenger.', (one) => one.gate?.current?.decisions ?? null],
  [
    'gate_evidence',
    'Logarithm of the evidence that the challenger is better: the lesser of live policy and anchor.',
    (one) => evidenceOf(one),
  ],
  ['gate_evidence_needed', 'What a promotion takes of it.', (one) => one.gate?.current?.evidenceNeeded ?? null],
  ['failures', 'Failures since the last publication.', (one) => one.failures],
];

const evidenceOf = ({ gate }: LearnerStatus): number | null =>
  gate?.current ? Math.min(gate.current.live.evidenceMax, gate.current.anchor.evidenceMax) : null;

const secondsOf = (ms: number | null): number | null => (ms === null ? null : ms / 1000);

export class LearnerMetrics {
  private readonly measures: readonly {
    readonly gauge: Gauge<'learner' | 'surface' | 'policy'>;
    readonly value: Value;
  }[];
  private readonly mode: Gauge<'learner' | 'mode'>;
  private readonly publishing: Gauge<'learner' | 'code' | 'publish'>;
  private readonly verdict: Gauge<'learner' | 'outcome' | 'reason'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.measures = MEASURES.map(([name, help, value]) => ({
      gauge: new Gauge({
        name: `attune_learner_${name}`,
        help,
        labelNames: ['learner', 'surface', 'policy'] as const,
        registers,
      }),
      value,
    }));
    this.mode = new Gauge({
      name: 'attune_learner_mode',
      help: '1 for the mode that the learner is in.',
      labelNames: ['learner', 'mode'] as const,
      registers,
    });
    this.publishing = new Gauge({
      name: 'attune_learner_publishing',
      help: '1 for what was last judged of publishing, and why.',
      labelNames: ['learner', 'code', 'publish'] as const,
      registers,
    });
    this.verdict = new Gauge({
      name: 'attune_learner_gate_verdict',
      help: 'The version that the gate judged last, and how.',
      labelNames: ['learner', 'outcome', 'reason'] as const,
      registers,
    });
  }

  /** Replaces what was known: a learner that is gone leaves no last value behind. */
  set(learners: readonly LearnerStatus[]): void {
    for (const { gauge } of this.measures) gauge.reset();
    this.mode.reset();
    this.publishing.reset();
    this.verdict.reset();
    for (const status of learners) {
      const { id: learner, surface, policy, mode, publishing, gate } = status;
      for (const { gauge, value } of this.measures) {
        const known = value(status);
        if (known !== null) gauge.set({ learner, surface, policy }, known);
      }
      this.mode.set({ learner, mode }, 1);
      if (publishing !== null)
        this.publishing.set({ learner, code: publishing.code, publish: String(publishing.publish) }, 1);
      if (gate?.settled) {
        const { outcome, reason, version } = gate.settled;
        this.verdict.set({ learner, outcome, reason }, version);
      }
    }
  }
}
