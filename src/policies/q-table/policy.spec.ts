import { describe, expect, it } from '@jest/globals';
import { candidateSchema } from '../../messages/decisions.js';
import type { DecisionContext } from '../policy.js';
import { qTablePolicy } from './policy.js';

const candidates = (...ids: string[]) => ids.map((id) => candidateSchema.parse({ id }));
const at = (state?: string): DecisionContext => ({
  surface: 'promo.discount',
  subjectKind: 'rider',
  personalized: true,
  context: {},
  features: {},
  ...(state === undefined ? {} : { state }),
  nowMs: 0,
});
const q = { s: { a: 1, b: 3, c: 3 }, cold: { a: -1 } };
const greedy = (epsilon: number) =>
  qTablePolicy({
    policy: { id: 'discount-q', version: 1 },
    parameters: { q, counts: { s: { b: 7 } }, exploration: { kind: 'epsilon-greedy', epsilon } },
  });

describe('the Q-table policy', () => {
  it('shares the greedy mass among ties and gives everyone a share of epsilon', () => {
    const p = greedy(0.3).distribution(at('s'), candidates('a', 'b', 'c'));
    expect(p[0]).toBeCloseTo(0.1, 12);
    expect(p[1]).toBeCloseTo(0.45, 12);
    expect(p[2]).toBe(p[1]);
  });

  it.each([undefined, 'never seen', '__proto__'])('is uniform in the unknown state %s', (state) => {
    expect(greedy(0.1).distribution(at(state), candidates('a', 'b'))).toEqual([0.5, 0.5]);
  });

  it('takes the initial value for an action it does not know', () => {
    expect(greedy(0).distribution(at('cold'), candidates('a', 'new'))).toEqual([0, 1]);
    expect(greedy(0).scores(at('cold'), candidates('a', 'new'))).toEqual([-1, 0]);
  });

  it('follows the Boltzmann distribution where it is soft', () => {
    const soft = qTablePolicy({
      policy: { id: 'q', version: 1 },
      parameters: { q, exploration: { kind: 'softmax', temperature: 2 } },
    });
    const [a, b] = soft.distribution(at('s'), candidates('a', 'b'));
    expect(b! / a!).toBeCloseTo(Math.exp(1), 12);
    expect(a! + b!).toBeCloseTo(1, 12);
  });

  it('explains by value, trials and whether it explores', () => {
    expect(greedy(0.1).explain(at('s'), candidates('a', 'b'), 1)).toMatchObject([
      { code: 'value', contribution: 3 },
      { code: 'trials', contribution: 7 },
      { code: 'exploitation' },
    ]);
    expect(greedy(0.1).explain(at('s'), candidates('a', 'z'), 1)[0]).toMatchObject({ code: 'untried' });
  });

  it('refuses parameters out of range', () => {
    expect(() => greedy(1.5)).toThrow(expect.objectContaining({ code: 'POLICY_PARAMETERS' }));
  });
});
