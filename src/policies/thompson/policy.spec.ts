import { describe, expect, it } from '@jest/globals';
import { candidateSchema } from '../../messages/decisions.js';
import type { DecisionContext } from '../policy.js';
import { thompsonPolicy } from './policy.js';

const candidates = (...ids: string[]) => ids.map((id) => candidateSchema.parse({ id }));
const context: DecisionContext = {
  surface: 'rider.pickup',
  subjectKind: 'rider',
  personalized: true,
  context: {},
  features: {},
  nowMs: 0,
};
const make = (parameters: unknown) => thompsonPolicy({ policy: { id: 'pickup-thompson', version: 3 }, parameters });

describe('the Beta-Thompson policy', () => {
  const policy = make({ arms: { good: [80, 20], poor: [10, 90], few: [2, 2] }, prior: [1, 1] });

  it('prefers what did better and leaves a chance to what is little known', () => {
    const [good, poor, few] = policy.distribution(context, candidates('good', 'poor', 'few'));
    expect(good!).toBeGreaterThan(few!);
    expect(few!).toBeGreaterThan(0.01);
    expect(poor!).toBeLessThan(1e-6);
    expect(good! + poor! + few!).toBeCloseTo(1, 12);
  });

  it('treats every arm it does not know alike, by the prior', () => {
    const [x, known, y] = policy.distribution(context, candidates('x', 'good', 'y'));
    expect(x).toBe(y);
    expect(policy.scores(context, candidates('x', 'good'))).toEqual([0.5, 0.8]);
    expect(known!).toBeGreaterThan(x!);
  });

  it('is certain where there is one candidate, and uniform where nothing is known', () => {
    expect(policy.distribution(context, candidates('good'))).toEqual([1]);
    const uniform = policy.distribution(context, candidates('a', 'b', 'c', 'd'));
    for (const p of uniform) expect(p).toBeCloseTo(0.25, 12);
  });

  it('gives the same numbers from the same artifact, bit for bit, in whatever order arms were first asked for', () => {
    const other = make({ arms: { good: [80, 20], poor: [10, 90], few: [2, 2] }, prior: [1, 1] });
    other.distribution(context, candidates('few'));
    expect(other.distribution(context, candidates('good', 'few'))).toEqual(
      policy.distribution(context, candidates('good', 'few')),
    );
  });

  it('says in words why it chose', () => {
    expect(policy.explain(context, candidates('good', 'new'), 1).map((reason) => reason.code)).toEqual([
      'untried',
      'trials',
      'exploration',
    ]);
    expect(policy.explain(context, candidates('good', 'new'), 0)[0]).toMatchObject({ code: 'mean', contribution: 0.8 });
  });

  it.each([
    [{ arms: { a: [0, 1] }, prior: [1, 1] }, 'parameters.arms.a.0'],
    [{ arms: {}, prior: [1] }, 'parameters.prior'],
    [{ arms: {}, prior: [1, 1], extra: 1 }, 'parameters'],
  ])('refuses parameters %j', (parameters, field) => {
    expect(() => make(parameters)).toThrow(expect.objectContaining({ code: 'POLICY_PARAMETERS', field }));
  });
});
