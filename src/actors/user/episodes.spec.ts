import { describe, expect, test } from '@jest/globals';
import { experiencesOf, surfaceWith, UserRig } from '../../../test/support/user-actor.js';

const MINUTE = 60_000;
const state = [{ name: 'n', from: 'context', key: 'n', edges: [1, 2] }];
const observation = [
  { name: 'n', from: 'context', key: 'n', scale: 2 },
  { name: 'often', from: 'feature', key: 'decisions' },
];
const surface = surfaceWith({ state, observation, log: { subject: ['decisions', 'nothing'] } });
const rigOf = (...surfaces: ReturnType<typeof surfaceWith>[]) => new UserRig({ surfaces }).consent();
const at = (n: number, change: object = {}) => ({ context: { n }, ...change });

describe('experience for reinforcement learning', () => {
  test('waits for the next decision of the surface, or for the end of the session', () => {
    const rig = rigOf(surface);
    const first = rig.decide(at(0));
    expect(experiencesOf(rig.pass(11 * MINUTE))).toEqual([]);
    const { body } = rig.ask(at(1));
    const [experience] = experiencesOf([rig.fold({ type: 'decision', body })]);
    expect(experience).toMatchObject({
      decisionId: first.id,
      state: 'n=0',
      observation: [0, 0],
      subject: { decisions: 0 },
      step: 0,
      next: { state: 'n=1', observation: [0.5, 1], eligible: ['a', 'b'], action: body.slate[0]!.id },
    });
    expect(experience).not.toHaveProperty('ending');
    rig.event('session.ended');
    expect(experiencesOf(rig.pass(60 * MINUTE))).toMatchObject([
      { decisionId: body.id, next: null, ending: 'terminal', episode: experience!.episode, step: 1 },
    ]);
  });

  test('an observation alone is enough, and a state alone', () => {
    for (const one of [{ observation }, { state }]) {
      const rig = rigOf(surfaceWith(one));
      rig.decide(at(0));
      rig.decide(at(1));
      const [experience] = experiencesOf(rig.pass(60 * MINUTE));
      const keys = Object.keys(one);
      expect(Object.keys(experience!).filter((key) => key === 'state' || key === 'observation')).toEqual(keys);
      expect(Object.keys(experience!.next as object)).toEqual([...keys, 'eligible', 'action']);
    }
  });

  test.each([
    [undefined, 'truncated'],
    [{ timeout: 'terminal' }, 'terminal'],
  ])('a session that goes idle under %j ends an episode as %s', (episode, ending) => {
    const declared = surfaceWith({ state, episode });
    const idle = rigOf(declared);
    idle.decide(at(0));
    expect(experiencesOf(idle.pass(60 * MINUTE))).toMatchObject([{ next: null, ending }]);
    expect(idle.kind.timer(idle.state)).toBe(0);

    const other = rigOf(declared);
    other.decide(at(0, { sessionId: 'one' }));
    other.event('click', { sessionId: 'two' });
    expect(experiencesOf(other.pass(60 * MINUTE))).toMatchObject([{ next: null, ending }]);
  });

  test('ends on what the surface declares, and the next decision begins another episode', () => {
    const rig = rigOf(surfaceWith({ state, episode: { endsOn: ['trip.completed'] } }));
    rig.decide(at(0));
    rig.decide(at(1));
    rig.event('trip.completed');
    rig.decide(at(2));
    rig.event('session.ended');
    const closed = experiencesOf(rig.pass(60 * MINUTE));
    expect(closed.map(({ step, ending }) => [step, ending])).toEqual([
      [0, undefined],
      [1, 'terminal'],
      [0, 'truncated'],
    ]);
    const [first, second, third] = closed.map(({ episode }) => episode);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  test('an event that names a decision ends the episode of its surface alone', () => {
    const episode = { endsOn: ['accept'] };
    const rig = rigOf(surfaceWith({ state, episode }), surfaceWith({ id: 'test.other', state, episode }));
    const { id } = rig.decide(at(0));
    rig.decide(at(0, { surface: 'test.other' }));
    rig.event('accept', { decisionId: id });
    expect(rig.state.episodes.map((one) => one.surface)).toEqual(['test.other']);
    expect(experiencesOf(rig.pass(60 * MINUTE))).toMatchObject([
      { surface: 'test.offer', ending: 'terminal', reward: 1 },
      { surface: 'test.other', ending: 'truncated', reward: 0 },
    ]);
  });

  test('ends as withdrawn with the consent, and says nothing else', () => {
    const rig = rigOf(surface);
    rig.decide(at(0));
    rig.decide(at(1));
    const closed = experiencesOf([rig.event('consent.withdrawn')]);
    expect(rig.state.episodes).toEqual([]);
    expect(closed).toHaveLength(2);
    for (const experience of closed) {
      expect(experience).toMatchObject({ status: 'censored', ending: 'withdrawn', context: {}, features: {} });
      for (const key of ['state', 'observation', 'subject', 'episode', 'step', 'next'])
        expect(experience).not.toHaveProperty(key);
    }
  });

  test('a decision closed early does not know what followed', () => {
    const rig = rigOf(surface, surfaceWith({ id: 'test.other' }));
    const { id } = rig.decide(at(0));
    for (let i = 1; i < rig.settings.user.pendingMax; i++) rig.decide({ surface: 'test.other' });
    const { body } = rig.ask({ surface: 'test.other' });
    const [closed] = experiencesOf([rig.fold({ type: 'decision', body })]);
    expect(closed).toMatchObject({ status: 'censored', decisionId: id, step: 0, next: null });
    expect(closed).not.toHaveProperty('ending');
  });

  test('without consent a state is made of the context alone, and nothing of the subject is logged', () => {
    const rig = new UserRig({ kind: 'anon', surfaces: [surface] });
    rig.decide(at(0));
    expect(rig.decide(at(1))).toMatchObject({ observation: [0.5, 0] });
    const [experience] = experiencesOf(rig.pass(60 * MINUTE));
    expect(experience).not.toHaveProperty('subject');
    expect(experience).toMatchObject({ observation: [0, 0], next: { observation: [0.5, 0] } });
  });
});
