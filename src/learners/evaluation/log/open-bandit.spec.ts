import { describe, expect, it } from '@jest/globals';
import { openBanditReader } from './open-bandit.js';

const HEADER = ['', 'timestamp', 'item_id', 'position', 'click', 'propensity_score', 'user_feature_0'].concat(
  'user-item_affinity_0',
  'user-item_affinity_1',
);
const RANGE = { min: 0, max: 1 };
const row = (changes: Record<string, string> = {}): string[] => {
  const values: Record<string, string> = {
    '': '0',
    timestamp: '2019-11-24',
    item_id: '1',
    position: '3',
    click: '1',
    propensity_score: '0.25',
    user_feature_0: 'cef3',
    'user-item_affinity_0': '0.0',
    'user-item_affinity_1': '0.0',
    ...changes,
  };
  return HEADER.map((name) => values[name]!);
};

describe('openBanditReader', () => {
  it('reads an impression; items are counted by the affinity columns', () => {
    expect(openBanditReader(HEADER).read(row(), RANGE)).toEqual({
      decision: {
        kind: 'single',
        id: '',
        context: { user_feature_0: 'cef3' },
        actions: [
          { id: '0', features: {} },
          { id: '1', features: {} },
        ],
        choices: [{ position: 2, action: 1, propensity: 0.25, eligible: [0, 1], reward: 1 }],
        reward: 1,
        weight: 1,
        timestamp: '2019-11-24',
      },
    });
  });

  it('keeps affinities that are not all zero', () => {
    const outcome = openBanditReader(HEADER).read(row({ 'user-item_affinity_0': '2' }), RANGE);
    expect(outcome).toMatchObject({
      decision: { actions: [{ features: { affinity: 2 } }, { features: { affinity: 0 } }] },
    });
  });

  it.each([
    ['LOG_ACTION_UNKNOWN', { item_id: '2' }],
    ['LOG_ACTION_UNKNOWN', { position: '0' }],
    ['LOG_PROPENSITY_RANGE', { propensity_score: '0' }],
    ['LOG_PROPENSITY_RANGE', { propensity_score: 'nan' }],
    ['LOG_PROPENSITY_MISSING', { propensity_score: '' }],
    ['LOG_REWARD_RANGE', { click: '-1' }],
    ['LOG_MALFORMED', { click: 'yes' }],
    ['LOG_MALFORMED', { click: '' }],
  ])('refuses with %s', (code, changes) => {
    expect(() => openBanditReader(HEADER).read(row(changes), RANGE)).toThrow(expect.objectContaining({ code }));
  });

  it('refuses a row of another length, and a header without what is needed', () => {
    expect(() => openBanditReader(HEADER).read(['1'], RANGE)).toThrow('1 columns instead of 9');
    expect(() => openBanditReader(HEADER.filter((name) => name !== 'click'))).toThrow(
      expect.objectContaining({ code: 'LOG_HEADER', field: 'click' }),
    );
  });
});
