/** Experience as it should not be. What the engine's own check refuses never reaches a learner; the rest does. */
import { worldExperience } from './world.js';

const good = (part: object): unknown => ({
  ...worldExperience(1, { chosen: 0, reward: 1, distribution: [0.5, 0.5] }),
  ...part,
});
const HOSTILE_ID = '__proto__';

/** Name → the body of a message on the experience stream. */
export const BAD_EXPERIENCE: Readonly<Record<string, unknown>> = {
  'not an object': 'nonsense',
  'an empty object': {},
  'a reward that is text': good({ reward: '1' }),
  'a reward that is NaN': good({ reward: Number.NaN }),
  'an infinite reward': good({ reward: Number.POSITIVE_INFINITY }),
  'no slate': good({ slate: null }),
  'a slate of numbers': good({ slate: [1, 2] }),
  'an observation of text': good({ observation: ['x'] }),
  'an empty slate': good({ slate: [], eligible: [], distribution: [], rewardedId: null }),
  'an unknown action': good({ slate: [{ id: 'nobody-knows-it', propensity: 0.5 }], rewardedId: 'nobody-knows-it' }),
  'a reward for what was not shown': good({ rewardedId: 'somebody-else' }),
  'a hostile id': good({
    slate: [{ id: HOSTILE_ID, propensity: 0.5 }],
    eligible: [HOSTILE_ID],
    rewardedId: HOSTILE_ID,
  }),
  'a hostile state': good({ state: HOSTILE_ID, next: { state: 'constructor', eligible: ['toString'] } }),
  'the same candidate twice': good({ slate: ['a', 'a'].map((id) => ({ id, propensity: 0.5 })), eligible: ['a', 'a'] }),
  'only forced positions': good({ slate: [{ id: 'a', propensity: 1, forced: true }] }),
  'a propensity of 0': good({ slate: [{ id: 'a', propensity: 0 }] }),
  'a propensity above 1': good({ slate: [{ id: 'a', propensity: 7 }] }),
  'a huge reward': good({ reward: 1e12 }),
  'a hugely negative reward': good({ reward: -1e12 }),
  'no features, context or state': good({
    features: {},
    context: {},
    subject: undefined,
    state: undefined,
    observation: undefined,
    next: undefined,
    ending: undefined,
  }),
  'an observation of another length': good({ observation: [1, 2, 3, 4, 5, 6, 7], next: null }),
  'a huge feature': good({ features: { a: { x0: 1e12, x1: -1e12 } } }),
  'a distribution of another length': good({ distribution: [1] }),
  'not shown': good({ status: 'not-shown', reward: 0, rewardedId: null }),
  refused: good({ status: 'refused', slate: [], rewardedId: null }),
  censored: good({ status: 'censored' }),
  withdrawn: good({ ending: 'withdrawn' }),
  'a correction of nothing': good({ status: 'corrected' }),
  'a correction of what was never learned': good({
    status: 'corrected',
    reward: 1e12,
    corrects: { status: 'complete', reward: -1e12, rewardedId: 'somebody-else' },
  }),
  'a next step without a state': good({ ending: undefined, next: { eligible: [] } }),
  'a very long id': good({ slate: [{ id: 'x'.repeat(100_000), propensity: 0.5 }] }),
} satisfies Record<string, unknown>;
