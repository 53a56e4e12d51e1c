import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { EngineError } from '../../../kernel/errors.js';
import { UNDECLARED_RANGE, type LoggedDecision } from '../logged.js';
import { readDsjson } from './dsjson.js';
import { writeDsjson } from './dsjson-writer.js';

const ANY = { min: -1e6, max: 1e6 };
const line = (changes: Record<string, unknown> = {}): string =>
  JSON.stringify({
    _label_cost: -1,
    _label_probability: 0.8,
    _label_Action: 2,
    _labelIndex: 1,
    Timestamp: '2021-02-04T16:31:29Z',
    Version: '1',
    EventId: 'e1',
    a: [2, 1],
    c: { User: { age: 3 }, _multi: [{ _tag: 'a1', f: 1 }, { _tag: 'a2' }] },
    p: [0.8, 0.2],
    ...changes,
  });
const decisionOf = (text: string, range = UNDECLARED_RANGE): LoggedDecision => {
  const outcome = readDsjson(text, range);
  if ('skipped' in outcome) throw new Error(`skipped: ${outcome.skipped}`);
  return outcome.decision;
};

describe('readDsjson', () => {
  it('reads labels, probabilities and actions', () => {
    expect(decisionOf(line())).toEqual({
      kind: 'single',
      id: 'e1',
      context: { User: { age: 3 } },
      actions: [
        { id: 'a1', features: { f: 1 } },
        { id: 'a2', features: {} },
      ],
      choices: [{ position: 0, action: 1, propensity: 0.8, eligible: [1, 0], distribution: [0.8, 0.2], reward: 1 }],
      reward: 1,
      weight: 1,
      timestamp: '2021-02-04T16:31:29Z',
    });
  });

  it.each([
    ['_label_probability', { _label_probability: 0.9 }],
    ['_label_probability', { _label_probability: 1e-3, p: [1e-4, 0.9999] }],
    ['_label_probability', { _label_probability: 0.2 }],
    ['_label_probability', { p: [0, 1] }],
    ['_labelIndex', { _labelIndex: 0 }],
    ['_labelIndex', { _labelIndex: 2 }],
  ])('refuses a line that contradicts itself: %s of %j', (field, changes) => {
    expect(() => decisionOf(line(changes))).toThrow(
      expect.objectContaining({
        code: expect.stringMatching(/^LOG_(CONTRADICTION|ACTION_UNKNOWN)$/) as unknown,
        field,
      }),
    );
  });

  it('takes numbers for ids, and refuses a distribution of another length', () => {
    expect(decisionOf(line({ EventId: 7 })).id).toBe('7');
    for (const p of [[0.8], [0.8, 0.1, 0.1]])
      expect(() => decisionOf(line({ p }))).toThrow(expect.objectContaining({ code: 'LOG_DISTRIBUTION', field: 'p' }));
  });

  it.each([0.8000000119, 0.8, 0.79, 0.81])('takes %d for 0.8, as logs round', (_label_probability) => {
    expect(decisionOf(line({ _label_probability })).choices[0]!.propensity).toBe(_label_probability);
  });

  it('counts actions from 0 where a 0 is among them', () => {
    expect(decisionOf(line({ a: [1, 0] })).choices[0]!.eligible).toEqual([1, 0]);
  });

  it('reads conditional bandits slot by slot', () => {
    const { kind, choices, reward } = decisionOf(
      JSON.stringify({
        c: { _multi: [{}, {}, {}], _slots: [{ _inc: [0, 1] }, {}] },
        _outcomes: [
          { _label_cost: -1, _a: [1, 0], _p: [0.7, 0.3] },
          { _label_cost: -0.5, _a: [2], _p: [0.4] },
        ],
      }),
    );
    expect([kind, reward]).toEqual(['list', 1.5]);
    expect(choices).toEqual([
      { position: 0, action: 1, propensity: 0.7, eligible: [1, 0], distribution: [0.7, 0.3], reward: 1 },
      // What was chosen first is no longer eligible; the probabilities of the others were not logged.
      { position: 1, action: 2, propensity: 0.4, eligible: [0, 2], reward: 0.5 },
    ]);
  });

  it('reads slates, whose actions belong to slots and whose reward is of the whole', () => {
    const { kind, choices, reward } = decisionOf(
      JSON.stringify({
        _label_cost: -2,
        c: { _multi: [{ _slot_id: 0 }, { _slot_id: 0 }, { _slot_id: 1 }, { _slot_id: 1 }], _slots: [{}, {}] },
        _outcomes: [
          { _a: [1, 0], _p: [0.6, 0.4] },
          { _a: [0, 1], _p: [0.9, 0.1] },
        ],
      }),
    );
    expect([kind, reward]).toEqual(['slates', 2]);
    expect(choices).toEqual([
      { position: 0, action: 1, propensity: 0.6, eligible: [1, 0], distribution: [0.6, 0.4] },
      { position: 1, action: 2, propensity: 0.9, eligible: [2, 3], distribution: [0.9, 0.1] },
    ]);
  });

  it('lets a decision of a thinned log stand for those that were dropped', () => {
    expect(decisionOf(line({ pdrop: 0.9 })).weight).toBeCloseTo(10, 12);
  });

  it.each([
    ['skip-learn', line({ _skipLearn: true })],
    ['unlabelled', line({ _label_cost: undefined })],
    ['unlabelled', JSON.stringify({ c: { _multi: [{ _slot_id: 0 }], _slots: [{}] } })],
    ['observation', '{"RewardValue":1,"EventId":"x","Observations":[]}'],
    ['observation', '[CHECKPOINT INFO LINE]'],
  ])('passes over what is %s', (reason, text) => {
    expect(readDsjson(text, UNDECLARED_RANGE)).toEqual({ skipped: reason });
  });

  it.each([
    ['LOG_MALFORMED', undefined, '{'],
    ['JSON_TOO_DEEP', undefined, `{"c":${'['.repeat(1600)}${']'.repeat(1600)}}`],
    ['JSON_TOO_MANY_TOKENS', undefined, `{"c":[${'0,'.repeat(600_000)}0]}`],
    ['LOG_MALFORMED', 'the line', '[1]'],
    ['LOG_MALFORMED', 'the line', 'null'],
    ['LOG_MALFORMED', 'c', '{}'],
    ['LOG_MALFORMED', 'a', line({ a: 7 })],
    ['LOG_PROPENSITY_RANGE', '_label_probability', line({ _label_probability: 0 })],
    ['LOG_PROPENSITY_RANGE', '_label_probability', line({ _label_probability: 1.5 })],
    ['LOG_PROPENSITY_RANGE', '_label_probability', line({ _label_probability: 'NaN' })],
    ['LOG_PROPENSITY_MISSING', '_label_probability', line({ _label_probability: undefined })],
    ['LOG_PROPENSITY_MISSING', '_label_probability', line({ _label_probability: null })],
    ['LOG_REWARD_RANGE', '_label_cost', line({ _label_cost: 1 })],
    ['LOG_REWARD', '_label_cost', line({ _label_cost: 'x' })],
    ['LOG_ACTION_UNKNOWN', '_label_Action', line({ _label_Action: 3 })],
    ['LOG_ACTION_UNKNOWN', 'choices[0]', line({ a: [1], p: [1] })],
    ['LOG_ACTION_UNKNOWN', 'a[1]', line({ a: [2, 9] })],
    ['LOG_MALFORMED', 'choices[0].eligible', line({ a: [2, 2] })],
    ['LOG_DISTRIBUTION', 'p[1]', line({ p: [0.8, -0.2] })],
    ['LOG_DISTRIBUTION', 'p', line({ p: [0.8, 0.8] })],
    ['LOG_PDROP_RANGE', 'pdrop', line({ pdrop: 1 })],
    ['LOG_ACTIONS_CONTINUOUS', '_label_ca', '{"_label_ca":{"action":1.5},"c":{}}'],
  ])('refuses with %s at %s', (code, field, text) => {
    expect(() => readDsjson(text, UNDECLARED_RANGE)).toThrow(
      expect.objectContaining({ code, field } as Partial<EngineError>),
    );
  });

  it('takes negative rewards where they are declared, and none outside the range', () => {
    expect(decisionOf(line({ _label_cost: 1 }), ANY).reward).toBe(-1);
    expect(() => readDsjson(line({ _label_cost: 3 }), { min: -2, max: 2 })).toThrow('declared range -2 to 2');
  });

  it('gives EngineErrors and nothing else for whatever JSON there is', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom('_label_cost', 'a', 'p', 'c', '_outcomes', '_attune'), (json, key) => {
        for (const text of [json, line({ [key]: JSON.parse(json) as unknown })])
          try {
            readDsjson(text, ANY);
          } catch (error) {
            expect((error as EngineError).code).toMatch(/^LOG_/);
          }
      }),
    );
  });
});

describe('writeDsjson', () => {
  const ids = fc.string({ minLength: 1, maxLength: 8 });
  const features = fc.dictionary(
    fc.stringMatching(/^[a-z][a-zA-Z0-9]{0,6}$/),
    fc.oneof(fc.integer(), fc.string({ maxLength: 5 }), fc.constant({ deep: [1, 'two'] })),
  );
  const reward = fc.double({ min: -100, max: 100, noNaN: true }).map((value) => value + 0);
  const single = fc
    .record({
      id: ids,
      context: features,
      actions: fc.array(fc.record({ id: ids, features }), { minLength: 2, maxLength: 5 }),
      at: fc.nat(4),
      propensity: fc.double({ min: 1e-9, max: 0.999, noNaN: true }),
      position: fc.nat(3),
      reward,
      weight: fc.double({ min: 1, max: 50, noNaN: true }),
    })
    .map(({ at, propensity, position, ...rest }): LoggedDecision => {
      const action = at % rest.actions.length;
      const others = rest.actions.map((_, i) => i).filter((i) => i !== action);
      const share = (1 - propensity) / others.length;
      const choice = {
        position,
        action,
        propensity,
        eligible: [action, ...others],
        distribution: [propensity, ...others.map(() => share)],
        reward: rest.reward === 0 ? 0 : rest.reward,
      };
      return { kind: 'single', ...rest, reward: choice.reward, choices: [choice] };
    });

  it('writes what reads back equal', () => {
    fc.assert(
      fc.property(single, (decision) => {
        expect(decisionOf(writeDsjson(decision), ANY)).toEqual(decision);
      }),
    );
  });

  it.each(['list', 'slates'] as const)('writes a %s that reads back equal', (kind) => {
    const slot = (k: number): { slot?: number } => (kind === 'slates' ? { slot: k } : {});
    const own = (k: number): { reward?: number } => (kind === 'slates' ? {} : { reward: k });
    const decision: LoggedDecision = {
      kind,
      id: 'd',
      context: { hour: 3 },
      actions: [0, 0, 1, 1].map((k, i) => ({ id: `x${i}`, features: {}, ...slot(k) })),
      choices: [
        { position: 0, action: 1, propensity: 0.25, eligible: [1, 0], distribution: [0.25, 0.75], ...own(1) },
        // Positions between were pinned.
        { position: kind === 'slates' ? 1 : 3, action: 3, propensity: 0.5, eligible: [2, 3], ...own(2) },
      ],
      reward: 3,
      weight: 1,
      asked: { surface: 's', atMs: 5, subject: { age: 1 }, state: 'x', observation: [1, 2] },
    };
    expect(decisionOf(writeDsjson(decision))).toEqual(decision);
  });

  it('does not write over the format’s own keys', () => {
    const decision = { ...decisionOf(line()), context: { _multi: 1 } };
    expect(() => writeDsjson(decision)).toThrow(expect.objectContaining({ code: 'LOG_UNWRITABLE' }));
  });
});
