import { describe, expect, test } from '@jest/globals';
import type { Candidate } from '../../messages/decisions.js';
import type { DecisionContext } from '../policy.js';
import { staticPolicy } from './policy.js';

const CONTEXT = {} as DecisionContext;
const candidates: Candidate[] = [
  { id: 'far', features: { distanceM: 90 }, nonPersonal: true },
  { id: 'near', features: { distanceM: 40 }, nonPersonal: true },
  { id: 'near-too', features: { distanceM: 40 }, nonPersonal: true },
  { id: 'unknown', features: {}, nonPersonal: true },
];
const make = (parameters: unknown) => staticPolicy({ policy: { id: 'p', version: 1 }, parameters });

describe('staticPolicy', () => {
  test.each([
    [{ order: 'ascending', feature: 'distanceM' }, [0, 1, 0, 0]],
    [{ order: 'descending', feature: 'distanceM' }, [1, 0, 0, 0]],
    [{ order: 'descending', feature: 'nothing' }, [1, 0, 0, 0]],
    [{ order: 'given' }, [1, 0, 0, 0]],
  ])('%j puts all on the first of the best', (parameters, expected) => {
    expect(make(parameters).distribution(CONTEXT, candidates)).toEqual(expected);
  });

  test('scores are finite, also where the feature is missing', () => {
    const scores = make({ order: 'ascending', feature: 'distanceM' }).scores(CONTEXT, candidates);
    expect(scores.every(Number.isFinite)).toBe(true);
    expect(scores.indexOf(Math.max(...scores))).toBe(1);
  });

  test('explains with the number it went by', () => {
    const [reason] = make({ order: 'ascending', feature: 'distanceM' }).explain(CONTEXT, candidates, 1);
    expect(reason).toEqual({ code: 'order', text: expect.stringContaining('40'), contribution: -40 });
  });

  test('names the parameter at fault', () => {
    expect(() => make({ order: 'sideways' })).toThrow('parameters.order');
  });
});
