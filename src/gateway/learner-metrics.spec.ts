import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { blankStatus } from '../actors/learner/status.js';
import { LearnerMetrics } from './learner-metrics.js';

const named = { id: 'pickup', kind: 'beta-thompson', surface: 'rider.pickup', policy: 'pickup-thompson' };

describe('the metrics of learners', () => {
  it('tell what is known, leave out what is not, and forget a learner that is gone', async () => {
    const registry = new Registry();
    const metrics = new LearnerMetrics(registry);
    const publishing = { publish: false, code: 'too-soon', text: 'in a moment' } as const;
    metrics.set([
      { ...blankStatus(named), mode: 'learning', learned: 7, regretProxy: -0.25, stalenessMs: 1500, publishing },
    ]);
    const text = await registry.metrics();
    const labels = '{learner="pickup",surface="rider.pickup",policy="pickup-thompson"}';
    for (const line of [
      `attune_learner_learned${labels} 7`,
      `attune_learner_regret_proxy${labels} -0.25`,
      `attune_learner_staleness_seconds${labels} 1.5`,
      'attune_learner_mode{learner="pickup",mode="learning"} 1',
      'attune_learner_publishing{learner="pickup",code="too-soon",publish="false"} 1',
    ])
      expect(text).toContain(`${line}\n`);
    expect(text).not.toContain('attune_learner_reward_mean{');
    expect(text).not.toContain('attune_learner_version{');
    metrics.set([]);
    expect(await registry.metrics()).not.toContain('pickup');
  });
});
