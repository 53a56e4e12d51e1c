import { describe, expect, it } from '@jest/globals';
import { judgePublish, type PublishState } from './publish-rule.js';

const rule = { batchSize: 10, publishEvery: 4, publishMinMs: 1000 };
const judge = (state: Partial<PublishState>) =>
  judgePublish({ unpublished: 7, behind: 0, sinceMs: 5000, sequences: 40, idle: false, ...state }, rule);

describe('whether a learner publishes, and why', () => {
  it.each<[string, boolean, Partial<PublishState>, string]>([
    ['enough', true, {}, '40 of 40'],
    ['idle', true, { idle: true, sequences: 1 }, 'nothing more to read'],
    ['nothing-new', false, { unpublished: 0, idle: true }, 'everything'],
    ['behind', false, { behind: 3 }, '3 experiences more'],
    ['gathering', false, { sequences: 39 }, '39 of 40'],
    ['gathering', false, { sequences: 39, sinceMs: 0 }, '39 of 40'],
    ['too-soon', false, { sinceMs: 999 }, '999 ms'],
    ['too-soon', false, { sinceMs: 999, idle: true }, 'not before 1000 ms'],
    ['enough', true, { sinceMs: Infinity }, '7 experiences'],
  ])('%s: %s', (code, publish, state, told) => {
    const verdict = judge(state);
    expect(verdict).toMatchObject({ code, publish });
    expect(verdict.text).toContain(told);
  });
});
