import { describe, expect, it } from '@jest/globals';
import { anyPlugin } from '../../learners/learner.js';
import { betaThompson } from '../../learners/beta-thompson/learner.js';
import { checkedReport, checkedRuntime, checkState } from './plugin-answers.js';

describe('the answers of a plug-in', () => {
  it.each([{ learned: 0 }, { learned: 3, lossSum: 0.5 }, { learned: 3, lossSum: Infinity, more: 'of its own' }])(
    'takes the report %j',
    (report) => expect(checkedReport(report, 3)).toBe(report),
  );

  it.each([
    undefined,
    null,
    3,
    {},
    { learned: '3' },
    { learned: -1 },
    { learned: 1.5 },
    { learned: 4 },
    { learned: NaN },
  ])('refuses the report %j', (report) => {
    expect(() => checkedReport(report, 3)).toThrow(expect.objectContaining({ code: 'LEARNER_REPORT_INVALID' }));
  });

  it('refuses a loss that is text', () => {
    expect(() => checkedReport({ learned: 1, lossSum: '1' }, 3)).toThrow(/lossSum/);
  });

  it.each([
    ['TensorFlow.js, wasm', 'TensorFlow.js, wasm'],
    ['x'.repeat(300), 'x'.repeat(200)],
    ['', undefined],
    [undefined, undefined],
    [7, undefined],
  ])('takes as what it computes with: %j', (said, taken) => expect(checkedRuntime(said)).toBe(taken));

  it('refuses a state that could not be loaded again, and says where it is wrong', () => {
    const plugin = anyPlugin(betaThompson);
    expect(() => checkState(plugin, { arms: [['a', [1, 1]]] })).not.toThrow();
    expect(() => checkState(plugin, { arms: [['a', [1, 'x']]] })).toThrow(
      expect.objectContaining({ code: 'LEARNER_STATE_INVALID', message: expect.stringContaining('arms.0') }),
    );
  });
});
