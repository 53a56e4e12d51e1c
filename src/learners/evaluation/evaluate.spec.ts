import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../../kernel/random.js';
import { evaluateLog, type EvaluateOptions } from './evaluate.js';
import type { LoggedChoice, LoggedDecision } from './logged.js';
import { FrequencyTarget, loggedTarget, uniformTarget } from './target.js';

const OPTIONS: EvaluateOptions = {
  target: uniformTarget,
  model: 'auto',
  folds: 3,
  seed: 1,
  clip: 20,
  range: { min: 0, max: 1 },
  level: 0.95,
  resamples: 100,
  method: 'bca',
};
const ACTIONS = ['a', 'b', 'c'].map((id) => ({ id, features: {} }));
const RATES = [0.2, 0.5, 0.8];
const LOGGING = [0.6, 0.3, 0.1];

function logOf(
  count: number,
  seed = 1,
  change: (decision: LoggedDecision) => LoggedDecision = (d) => d,
): LoggedDecision[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, i) => {
    const u = random.next();
    const action = u < 0.6 ? 0 : u < 0.9 ? 1 : 2;
    const reward = random.next() < RATES[action]! ? 1 : 0;
    const choice: LoggedChoice = {
      position: 0,
      action,
      propensity: LOGGING[action]!,
      eligible: [0, 1, 2],
      distribution: LOGGING,
      reward,
    };
    return change({
      kind: 'single',
      id: String(i),
      context: { hour: i % 24 },
      actions: ACTIONS,
      choices: [choice],
      reward,
      weight: 1,
    });
  });
}

describe('evaluateLog', () => {
  it('finds the value of a policy that did not log', async () => {
    const { estimates, anytime, model, logged } = await evaluateLog(() => logOf(4000), OPTIONS);
    expect(model).toEqual({ kind: 'logistic' });
    expect(logged).toBeLessThan(0.4);
    for (const { estimator, estimate, interval } of estimates) {
      expect([estimator, Math.abs(estimate! - 0.5) < 0.04]).toEqual([estimator, true]);
      if (interval !== null) expect([estimator, interval.low < 0.5 && 0.5 < interval.high]).toEqual([estimator, true]);
    }
    expect(anytime).toMatchObject({ clip: 20 });
    const { low, high } = anytime as { low: number; high: number };
    expect(low).toBeLessThan(0.5);
    expect(high).toBeGreaterThan(0.5);
    expect(high - low).toBeLessThan(0.5);
  });

  it('gives the log’s own mean for the policy that logged', async () => {
    const { estimates, logged } = await evaluateLog(() => logOf(500), { ...OPTIONS, target: loggedTarget });
    for (const { estimator, estimate } of estimates)
      if (['IPS', 'SNIPS', 'clipped IPS', 'Cressie-Read'].includes(estimator)) expect(estimate).toBeCloseTo(logged, 9);
  });

  it('gives no anytime-valid interval for what changed along the log', async () => {
    const firstNothing = (d: LoggedDecision): LoggedDecision => {
      const reward = Number(d.id) < 10_000 ? 0 : 1;
      return { ...d, reward, choices: [{ ...d.choices[0]!, reward }] };
    };
    const all = await evaluateLog(() => logOf(20_000, 1, firstNothing), {
      ...OPTIONS,
      target: loggedTarget,
      model: 'none',
    });
    expect(all.anytime).toEqual({ refused: expect.stringContaining('changed along the log') });
  });

  it('is the same for the same seed', async () => {
    const once = await evaluateLog(() => logOf(300), OPTIONS);
    expect(await evaluateLog(() => logOf(300), OPTIONS)).toEqual(once);
    const other = await evaluateLog(() => logOf(300), { ...OPTIONS, seed: 2 });
    expect(other.estimates.find(({ estimator }) => estimator === 'DM')).not.toEqual(
      once.estimates.find(({ estimator }) => estimator === 'DM'),
    );
  });

  it('has no model-based estimate where the target’s distribution is not known', async () => {
    const log = logOf(200, 1, ({ choices: [choice], ...rest }) => {
      const { distribution: _, ...without } = choice!;
      return { ...rest, choices: [without] };
    });
    const { estimates } = await evaluateLog(() => log, { ...OPTIONS, target: loggedTarget });
    expect(estimates.find(({ estimator }) => estimator === 'IPS')!.estimate).not.toBeNull();
    expect(estimates.find(({ estimator }) => estimator === 'DR')!.refused?.code).toBe('ESTIMATE_NO_MODEL');
  });

  it('refuses what the log cannot tell', async () => {
    // The log never chooses c, and says so.
    const log = logOf(1000).filter(({ choices: [choice] }) => choice!.action !== 2);
    const never = log.map(({ choices: [choice], ...rest }) => ({
      ...rest,
      choices: [{ ...choice!, distribution: [0.6, 0.4, 0] }],
    }));
    const { estimates, grounds } = await evaluateLog(() => never, OPTIONS);
    expect(grounds.unsupported).toBeCloseTo(1 / 3, 9);
    expect(grounds.unseen).toBeCloseTo(1 / 3, 9);
    for (const { estimate, interval, refused } of estimates) {
      expect([estimate, interval]).toEqual([null, null]);
      expect(refused!.code).toMatch(/NO_SUPPORT|UNSEEN_ACTIONS/);
    }
  });

  it('refuses every weighted estimate, and the anytime-valid interval, of a log whose one propensity is wrong', async () => {
    const wrong = (d: LoggedDecision): LoggedDecision => {
      const { distribution: _, ...choice } = d.choices[0]!;
      return { ...d, choices: [{ ...choice, propensity: 0.05 }] };
    };
    const { estimates, anytime } = await evaluateLog(() => logOf(300, 1, wrong), OPTIONS);
    for (const { weights, refused, interval } of estimates)
      if (weights !== null) expect([refused?.code, interval]).toEqual(['ESTIMATE_WEIGHTS_MEAN', null]);
    expect(anytime).toHaveProperty('refused');
  });

  it('gives no estimate where no reward ever came', async () => {
    const never = (d: LoggedDecision): LoggedDecision => ({
      ...d,
      reward: 0,
      choices: [{ ...d.choices[0]!, reward: 0 }],
    });
    const { estimates } = await evaluateLog(() => logOf(300, 1, never), OPTIONS);
    expect(new Set(estimates.map(({ refused }) => refused?.code))).toEqual(new Set(['ESTIMATE_TOO_FEW_REWARDS']));
  });

  it('refuses what rests on a log of which too much was bad, or on a target that only guesses', async () => {
    const codes = async (changes: Partial<EvaluateOptions>): Promise<unknown> => {
      const { estimates, anytime } = await evaluateLog(() => logOf(300), { ...OPTIONS, ...changes });
      return [new Set(estimates.map(({ refused }) => refused?.code)), 'refused' in anytime];
    };
    expect(await codes({ bad: () => 0.5 })).toEqual([new Set(['ESTIMATE_BAD_LINES']), true]);
    const stranger = new FrequencyTarget('frequencies');
    stranger.add({ ...logOf(1)[0]!, actions: ACTIONS.map(({ id }) => ({ id: `other-${id}`, features: {} })) });
    expect(await codes({ target: stranger })).toEqual([new Set(['ESTIMATE_TARGET_UNKNOWN']), true]);
  });

  it('looks at one position where it is asked to', async () => {
    const log = logOf(400, 1, (decision) => ({
      ...decision,
      kind: 'list',
      choices: [
        decision.choices[0]!,
        {
          position: 1,
          action: (decision.choices[0]!.action + 1) % 3,
          propensity: 0.5,
          eligible: [0, 1, 2].filter((a) => a !== decision.choices[0]!.action),
          reward: 1,
        },
      ],
      reward: decision.reward + 1,
    }));
    const all = await evaluateLog(() => log, OPTIONS);
    expect(all.estimates.map(({ estimator }) => estimator)).toContain('RIPS');
    expect(all.anytime).toHaveProperty('refused');
    const second = await evaluateLog(() => log, { ...OPTIONS, position: 1 });
    expect(second.estimates.map(({ estimator }) => estimator)).toContain('DRos');
    // Every reward there is 1, and the weights are all 1 too.
    expect(second.estimates[0]!.estimate).toBe(1);
    await expect(evaluateLog(() => log, { ...OPTIONS, position: 7 })).rejects.toMatchObject({ code: 'LOG_EMPTY' });
  });

  it.each([
    ['clip', { clip: 0.5 }],
    ['clip', { clip: NaN }],
    ['level', { level: 1 }],
    ['resamples', { resamples: 1 }],
    ['folds', { folds: 1 }],
    ['range', { range: { min: 1, max: 1 } }],
  ])('refuses a bad %s', async (field, changes) => {
    await expect(evaluateLog(() => logOf(10), { ...OPTIONS, ...changes })).rejects.toMatchObject({
      code: 'EVALUATE_OPTION',
      field,
    });
  });

  it('rejects with the log’s own error half-way, and leaves nothing behind', async () => {
    const broken = function* (): Generator<LoggedDecision> {
      yield* logOf(5);
      throw new Error('disk');
    };
    await expect(evaluateLog(broken, OPTIONS)).rejects.toThrow('disk');
  });

  it('refuses logs that mix whole and single rewards, and targets that give no probabilities', async () => {
    const [first, second] = logOf(2);
    const { reward: _, ...whole } = second!.choices[0]!;
    const mixed = [first!, { ...second!, choices: [whole] }];
    await expect(evaluateLog(() => mixed, OPTIONS)).rejects.toMatchObject({ code: 'LOG_MIXED' });
    const target = { name: 'broken', of: () => [{ chosen: NaN }] };
    await expect(evaluateLog(() => logOf(5), { ...OPTIONS, target })).rejects.toMatchObject({
      code: 'TARGET_PROBABILITY',
    });
  });
});
