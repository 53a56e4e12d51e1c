import { describe, expect, it } from '@jest/globals';
import { experience } from '../../../test/support/learning.js';
import { seededRandom } from '../../kernel/random.js';
import type { Experience } from '../../messages/decisions.js';
import { sealArtifact, type Artifact } from '../../policies/artifact.js';
import type { PolicyFamilies } from '../../policies/registry/policy-of.js';
import { PromotionGate } from './gate.js';
import { savedGateSchema } from './gate-state.js';
import { HeldOutSplit } from './holdout.js';
import { gateSettingsSchema } from './settings.js';
import { alphaShare } from './trial.js';

const IDS = ['a', 'b', 'c'];
/** Gives `shares` to a, b and c, and an equal part to anything else; looks at features where it is told to. */
const FAMILIES: PolicyFamilies = {
  fixed: ({ policy, parameters }) => {
    const { shares, reads } = parameters as { shares: number[]; reads?: boolean };
    return {
      ref: policy,
      distribution: (_, candidates) => {
        const raw = candidates.map(({ id, features }) => {
          if (reads) void features['x'];
          return shares[IDS.indexOf(id)] ?? 1;
        });
        const total = raw.reduce((sum, x) => sum + x, 0);
        return raw.map((x) => x / total);
      },
      scores: (_, candidates) => candidates.map(() => 0),
      explain: () => [],
    };
  },
};
const artifact = (version: number, shares: readonly number[], reads = false): Artifact =>
  sealArtifact({
    schema: 1,
    family: 'fixed',
    policy: { id: 'p', version },
    parameters: { shares, reads },
    lineage: { learner: 'l', experiences: 0, sequence: 0, createdAtMs: 0 },
  });
const EVEN = [1, 1, 1];
const REWARDS = [0.2, 0.5, 0.8];

/** What a policy that chooses evenly would log. */
function* decisions(seed: number, rewards = REWARDS, part: Partial<Experience> = {}): Generator<Experience, never> {
  const random = seededRandom(seed);
  for (let n = 0; ; n++) {
    const chosen = Math.floor(random.next() * 3);
    const reward = random.next() < rewards[chosen]! ? 1 : 0;
    const slate = [{ id: IDS[chosen]!, propensity: 1 / 3 }];
    const log = { decisionId: `d${n}`, slate, eligible: IDS, distribution: IDS.map(() => 1 / 3), closedAtMs: n };
    yield experience({ ...log, reward, rewardedId: slate[0]!.id, ...part });
  }
}

const settings = gateSettingsSchema.parse({ decisionsMin: 50, decisionsMax: 3000, patience: 1000, weightMax: 10 });
function gateWith(live: readonly number[], part: object = {}, anchor = live): PromotionGate {
  const gate = new PromotionGate(gateSettingsSchema.parse({ ...settings, ...part }), 'l', FAMILIES);
  gate.adopt(artifact(1, anchor));
  if (anchor !== live) gate.adopt(artifact(2, live));
  return gate;
}
/** Judges until there is a verdict, which has to come. */
function decide(gate: PromotionGate, log = decisions(1)) {
  for (let n = 0; n < 4000 && gate.verdict === null; n++) gate.judge(log.next().value);
  return gate.verdict!;
}

describe('the promotion gate', () => {
  it('promotes what is better than live policy and anchor, with its numbers', () => {
    const gate = gateWith(EVEN);
    gate.propose(artifact(gate.nextVersion, [0.05, 0.15, 0.8]));
    expect(gate.view().alias).toEqual({ champion: 1, challenger: 2, anchor: 1 });
    const verdict = decide(gate);
    expect(verdict).toMatchObject({ outcome: 'promoted', reason: 'better', candidate: 1, version: 2, policyId: 'p' });
    expect(verdict.alpha).toBeCloseTo((0.05 * 6) / Math.PI ** 2, 12);
    expect(verdict.live.evidenceMax).toBeGreaterThanOrEqual(verdict.evidenceNeeded);
    expect(verdict.live.difference).toBeGreaterThan(0.05);
    expect(verdict.rewardMean).toBeGreaterThan(0.6);
    expect(verdict.effectiveSamples).toBeGreaterThan(90);
    gate.settle();
    expect(gate.view()).toMatchObject({ alias: { champion: 2, challenger: null, anchor: 1 }, settled: verdict });
  });

  it('rejects what is worse, before its time is over', () => {
    const gate = gateWith(EVEN);
    gate.propose(artifact(2, [0.8, 0.15, 0.05]));
    const verdict = decide(gate);
    expect(verdict).toMatchObject({ outcome: 'rejected', reason: 'worse' });
    expect(verdict.decisions).toBeLessThan(1000);
    gate.settle();
    expect(gate.view().alias).toEqual({ champion: 1, challenger: null, anchor: 1 });
    expect(gate.nextVersion).toBe(3);
  });

  it('does not let the level ratchet down: better than a degraded live policy but worse than the anchor is refused', () => {
    const gate = gateWith([0.9, 0.05, 0.05], {}, [0.05, 0.15, 0.8]);
    gate.propose(artifact(gate.nextVersion, [0.4, 0.3, 0.3]));
    const verdict = decide(gate);
    expect(verdict).toMatchObject({ outcome: 'rejected', reason: 'worse' });
    expect(verdict.live.difference).toBeGreaterThan(0);
    expect(verdict.anchor.difference).toBeLessThan(0);
  });

  it('takes another anchor between candidates, of whatever policy, and never while one is on trial', () => {
    const log = decisions(3);
    const gate = gateWith([0.4, 0.3, 0.3]);
    const { checksum: _, ...unsealed } = artifact(5, [0.05, 0.15, 0.8]);
    const anchor = sealArtifact({ ...unsealed, policy: { id: 'elsewhere', version: 5 } });
    gate.propose(artifact(gate.nextVersion, EVEN));
    expect(() => gate.anchorOn(anchor)).toThrow(expect.objectContaining({ code: 'GATE_OCCUPIED' }));
    decide(gate, log);
    gate.settle();
    gate.anchorOn(anchor);
    expect(gate.view()).toMatchObject({ anchor: { id: 'elsewhere', version: 5 }, alias: { anchor: 5 } });
    const resumed = new PromotionGate(settings, 'l', FAMILIES, savedGateSchema.parse(gate.save()));
    resumed.propose(artifact(resumed.nextVersion, [0.25, 0.35, 0.4]));
    // Better than what is live, worse than the new anchor.
    const verdict = decide(resumed, log);
    expect(verdict).toMatchObject({
      outcome: 'rejected',
      reason: 'worse',
      anchor: { policyId: 'elsewhere', version: 5 },
    });
    expect(verdict.live.policyId).toBe('p');
    expect(verdict.anchor.difference).toBeLessThan(0);
  });

  it('gives up on a candidate that nothing speaks for, and on one that has had its decisions', () => {
    const early = gateWith(EVEN);
    early.propose(artifact(2, EVEN));
    expect(decide(early)).toMatchObject({ outcome: 'rejected', reason: 'no-progress', decisions: 1000 });
    const late = gateWith(EVEN, { patience: 3000, decisionsMax: 300 });
    late.propose(artifact(2, EVEN));
    expect(decide(late)).toMatchObject({ outcome: 'rejected', reason: 'not-shown-better', decisions: 300 });
  });

  it('spends a smaller share of its budget on each candidate, all of them together never more than it has', () => {
    const gate = gateWith(EVEN, { patience: 50 });
    const log = decisions(2);
    for (let k = 1; k <= 5; k++) {
      gate.propose(artifact(gate.nextVersion, EVEN));
      expect(decide(gate, log).alpha).toBeCloseTo(alphaShare(0.05, k), 15);
      gate.settle();
    }
    expect(gate.view().candidates).toBe(5);
    let sum = 0;
    for (let k = 1; k <= 100_000; k++) sum += alphaShare(0.05, k);
    expect(sum).toBeLessThan(0.05);
    expect(sum).toBeGreaterThan(0.0499);
    expect(gate.view().alphaSpent).toBeLessThan(sum);
  });

  it.each([
    ['unsupported', { weightMax: 2 }, [0.01, 0.01, 0.98], [0.98, 0.01, 0.01]],
    ['shifted', { guardrails: { shiftMax: 0.3 } }, [0.05, 0.05, 0.9], EVEN],
  ])('holds the guardrail against %s', (reason, part, shares, live) => {
    const gate = gateWith(live, part);
    gate.propose(artifact(2, shares));
    expect(decide(gate)).toMatchObject({ outcome: 'rejected', reason, decisions: 50 });
  });

  it('does not promote below the least reward, however much better it is', () => {
    const gate = gateWith(EVEN, { guardrails: { rewardMin: 0.95 } });
    gate.propose(artifact(2, [0.05, 0.05, 0.9]));
    const log = decisions(1);
    for (let n = 0; n < 2000; n++) gate.judge(log.next().value);
    expect(gate.view().current).toMatchObject({ outcome: 'undecided', reason: 'guarded' });
    expect(decide(gate, log)).toMatchObject({ outcome: 'rejected', reason: 'not-shown-better' });
  });

  it('judges no policy by features that were not logged', () => {
    const gate = gateWith(EVEN);
    gate.propose(artifact(2, EVEN, true));
    expect(decide(gate, decisions(1, REWARDS, { features: { a: { x: 1 } } }))).toMatchObject({
      outcome: 'rejected',
      reason: 'unanswered',
      decisions: 0,
      unanswered: 50,
    });
    const whole = gateWith(EVEN);
    whole.propose(artifact(2, [0.05, 0.15, 0.8], true));
    const features = Object.fromEntries(IDS.map((id) => [id, { x: 1 }]));
    expect(decide(whole, decisions(1, REWARDS, { features }))).toMatchObject({ outcome: 'promoted' });
  });

  it.each<[string, Partial<Experience>]>([
    ['censored', { status: 'censored' }],
    ['not shown', { status: 'not-shown' }],
    ['withdrawn', { ending: 'withdrawn' }],
    ['forced', { slate: [{ id: 'a', propensity: 1, forced: true }] }],
    ['of another propensity than the distribution says', { slate: [{ id: 'a', propensity: 0.9 }] }],
    ['without a distribution', { distribution: [] }],
  ])('leaves out what is %s', (_, part) => {
    const gate = gateWith(EVEN);
    gate.propose(artifact(2, [0.05, 0.15, 0.8]));
    const log = decisions(1, REWARDS, part);
    for (let n = 0; n < 100; n++) gate.judge(log.next().value);
    expect(gate.view().current).toMatchObject({ decisions: 0, unanswered: 0, reason: 'gathering' });
  });

  it('counts no correction as one more held-out decision', () => {
    const gate = gateWith(EVEN);
    gate.propose(artifact(2, [0.05, 0.15, 0.8]));
    const one = decisions(1).next().value;
    gate.judge(one);
    const before = gate.save();
    gate.judge({ ...one, status: 'corrected', corrects: { status: 'complete', reward: 0, rewardedId: null } });
    expect(gate.save()).toEqual(before);
  });

  it('takes the floor and the pinned items of a slate into account as they are drawn', () => {
    const floor = 0.3;
    const gate = gateWith(EVEN);
    gate.propose(artifact(2, [0.05, 0.15, 0.8]));
    // b is pinned second: a and c are open, the base gives them 1/4 and 3/4, and the floor is over both.
    const base = [0.2, 0.2, 0.6];
    const distribution = base.map((p) => (1 - floor) * p + floor / 3);
    const slate = [
      { id: 'c', propensity: (1 - floor) * 0.75 + floor / 2 },
      { id: 'b', propensity: 1, forced: true as const },
    ];
    gate.judge(experience({ slate, eligible: IDS, distribution, explorationFloor: floor, reward: 1 }));
    const { current } = gate.view();
    const served = (c: number, a: number): number => (1 - floor) * (c / (a + c)) + floor / 2;
    expect(current!.decisions).toBe(1);
    expect(current!.live.difference).toBeCloseTo((served(0.8, 0.05) - served(1, 1)) / slate[0]!.propensity, 12);
  });

  it('judges policies as they would be served: with the boosts of the decision', () => {
    const gate = gateWith(EVEN);
    gate.propose(artifact(2, [0.05, 0.15, 0.8]));
    // b counts three times: of EVEN it gets 3/5.
    const slate = [{ id: 'b', propensity: 0.6 }];
    const log = { slate, eligible: IDS, distribution: [0.2, 0.6, 0.2], boosts: { b: 3 } };
    gate.judge(experience({ ...log, reward: 1, rewardedId: 'b' }));
    const { current } = gate.view();
    const total = 0.05 + 3 * 0.15 + 0.8;
    expect(current!.live.difference).toBeCloseTo(((3 * 0.15) / total - 0.6) / 0.6, 12);
    expect(current!.shift).toBeCloseTo(0.8 / total - 0.2, 12);
  });

  it('rejects a challenger when somebody else changes what is live', () => {
    const gate = gateWith(EVEN);
    gate.propose(artifact(2, [0.05, 0.15, 0.8]));
    gate.adopt(artifact(7, [0.1, 0.1, 0.8]));
    expect(gate.view()).toMatchObject({
      alias: { champion: 7, challenger: null, anchor: 1 },
      settled: { outcome: 'rejected', reason: 'live-changed', candidate: 1 },
    });
    expect(gate.nextVersion).toBe(8);
  });

  it('resumed at any place equals one that was never interrupted', () => {
    const whole = gateWith(EVEN);
    let resumed = gateWith(EVEN);
    const log = decisions(9);
    const both = (act: (gate: PromotionGate) => void): void => [whole, resumed].forEach(act);
    for (let n = 0; n < 600; n++) {
      if (n === 20) both((gate) => gate.propose(artifact(gate.nextVersion, [0.2, 0.3, 0.5])));
      if (whole.verdict !== null) both((gate) => gate.settle());
      const one = log.next().value;
      both((gate) => gate.judge(one));
      if (n % 37 === 0) {
        const saved = savedGateSchema.parse(JSON.parse(JSON.stringify(resumed.save())));
        resumed = new PromotionGate(settings, 'l', FAMILIES, saved);
      }
    }
    expect(resumed.save()).toEqual(whole.save());
    expect(resumed.view()).toEqual(whole.view());
  });

  it('refuses steps out of order', () => {
    const gate = new PromotionGate(settings, 'l', FAMILIES);
    expect(() => gate.propose(artifact(1, EVEN))).toThrow(expect.objectContaining({ code: 'GATE_WITHOUT_CHAMPION' }));
    gate.adopt(artifact(1, EVEN));
    expect(() => gate.settle()).toThrow(expect.objectContaining({ code: 'GATE_WITHOUT_VERDICT' }));
    gate.propose(artifact(2, EVEN));
    expect(() => gate.propose(artifact(3, EVEN))).toThrow(expect.objectContaining({ code: 'GATE_OCCUPIED' }));
  });
});

describe('the held-out split', () => {
  it('is the same for ever, of the stated share, and another one for another learner', () => {
    const split = new HeldOutSplit('l', 0.1);
    const ids = Array.from({ length: 20_000 }, (_, i) => `decision-${i}`);
    const held = ids.filter((id) => split.has(id));
    expect(held.length / ids.length).toBeCloseTo(0.1, 1);
    expect(held.filter((id) => new HeldOutSplit('l', 0.1).has(id))).toEqual(held);
    expect(held.filter((id) => new HeldOutSplit('m', 0.1).has(id)).length).toBeLessThan(held.length / 5);
    expect(ids.some((id) => new HeldOutSplit('l', 0).has(id))).toBe(false);
  });
});

describe('gate settings', () => {
  it.each([
    ['alpha', { alpha: 0 }],
    ['holdout', { holdout: 1 }],
    ['reward.max', { reward: { min: 1, max: 1 } }],
    ['decisionsMax', { decisionsMin: 10, decisionsMax: 5 }],
    ['guardrails.rewardMin', { guardrails: { rewardMin: Number.NaN } }],
    ['anchor', { anchor: 'last' }],
    ['anchor.version', { anchor: { policy: 'p', version: -1 } }],
    ['', { unknown: 1 }],
  ])('name %s', (field, part) => {
    const { error } = gateSettingsSchema.safeParse(part);
    expect(error!.issues[0]!.path.join('.')).toBe(field);
  });
});
