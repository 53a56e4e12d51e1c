import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { replica, surfaceWith, uniformPolicy, UserRig } from '../../../test/support/user-actor.js';
import { partitionOf } from '../../kernel/ids.js';
import type { DecisionAnswer, DecisionBody } from '../../messages/decisions.js';
import { withFloor } from '../../policies/floor.js';
import type { Policy } from '../../policies/policy.js';
import { drawSlate, keyedRandom } from '../../policies/sampling.js';
import type { CandidateSource } from '../../surfaces/candidate-source.js';

const MINUTE = 60_000;
const asked = { surface: 'test.offer', candidates: [{ id: 'a' }, { id: 'b' }] };
const capped = (max: number, scope = 'surface', extra = {}) =>
  surfaceWith({ caps: [{ scope, max, windowMs: 60 * MINUTE }], ...extra });

describe('decide', () => {
  test('answers with what it journals', () => {
    const rig = new UserRig().consent();
    const { body, answer } = rig.ask({ k: 2, context: { lat: 40.75 } });
    expect(body).toMatchObject({
      basedOn: rig.sequence,
      atMs: rig.nowMs,
      eligible: ['a', 'b'],
      distribution: [0.5, 0.5],
    });
    expect(answer).toEqual({
      decisionId: body.id,
      surface: 'test.offer',
      slate: body.slate,
      policy: { id: 'live', version: 3 },
      personalized: true,
      filtered: [],
      degraded: [],
      fallbackReason: null,
      validUntil: new Date(rig.nowMs + 60_000).toISOString(),
      token: 't',
      latencyMs: 0,
    });
    expect(body.slate[0]).toMatchObject({ propensity: 0.5, score: 0.5, reasons: [{ code: 'uniform' }] });
  });

  test('can be recomputed from what was journaled, bit for bit', () => {
    const rig = new UserRig({ surfaces: [surfaceWith({ exploration: { floor: 0.1 } })] }).consent();
    const { body } = rig.ask({ k: 2, candidates: ['a', 'b', 'c', 'd'].map((id) => ({ id })) });
    const again = drawSlate({
      distribution: body.distribution,
      floor: body.explorationFloor!,
      k: 2,
      random: keyedRandom(rig.services.samplingKey, 'slate', body.id),
      reask: () => [],
    });
    expect(again.map(({ index, propensity }) => [body.eligible[index], propensity])).toEqual(
      body.slate.map(({ id, propensity }) => [id, propensity]),
    );
  });

  test('says which errors are the request’s, with the field', () => {
    const rig = new UserRig().consent();
    const codeOf = (request: unknown) => {
      const handling = rig.handle('decide', request);
      return handling.do === 'fail' ? [handling.error.code, handling.error.field] : handling.do;
    };
    expect(codeOf({ ...asked, surface: 'nowhere' })).toEqual(['UNKNOWN_SURFACE', 'surface']);
    expect(codeOf({ ...asked, candidates: [{ id: 'a' }, { id: 'a' }] })).toEqual([
      'CANDIDATE_DUPLICATE',
      'candidates[1].id',
    ]);
    expect(codeOf({ ...asked, subject: { kind: 'rider', id: '43' } })).toEqual(['INVALID_REQUEST', 'subject.id']);
    expect(codeOf({ ...asked, subject: { kind: 'rider', id: '42' } })).toBe('append');
    expect(codeOf('nonsense')).toEqual(['INVALID_REQUEST', '']);
  });

  test('passes on what the host could not wait for', () => {
    const rig = new UserRig().consent();
    rig.degraded = ['after'];
    expect(rig.ask().answer.degraded).toEqual(['after']);
  });

  test('hostile candidate ids are answered like any other', () => {
    const rig = new UserRig({ surfaces: [surfaceWith({ log: { eligible: true } })] }).consent();
    const candidates = ['__proto__', 'constructor', '*.>', '🙂'].map((id) => ({ id, features: { f: 1 } }));
    const body = rig.decide({ candidates, k: 4 });
    expect(body.slate.map(({ id }) => id).sort()).toEqual(candidates.map(({ id }) => id).sort());
    expect(Object.keys(body.features).sort()).toEqual(candidates.map(({ id }) => id).sort());
  });

  test('logs the declared features of the slate, or of all', () => {
    const candidates = [
      { id: 'a', features: { x: 1, y: 2 } },
      { id: 'b', features: { x: 3 } },
    ];
    const logged = (log: object) =>
      new UserRig({ surfaces: [surfaceWith({ log })] }).consent().ask({ candidates }).body;
    expect(logged({ features: ['x'], eligible: true }).features).toEqual({ a: { x: 1 }, b: { x: 3 } });
    const body = logged({ features: ['y'] });
    expect(Object.keys(body.features)).toEqual([body.slate[0]!.id]);
  });
});

describe('candidates from a source', () => {
  const source: CandidateSource = {
    name: 'zones',
    candidates: () => ({ candidates: [{ id: 'z', features: {}, nonPersonal: true }], degraded: ['zone'] }),
  };
  const surface = surfaceWith({ candidates: { source: 'zones' } });

  test('are asked for where the request brings none', () => {
    const rig = new UserRig({ surfaces: [surface], sources: new Map([['zones', source]]) }).consent();
    expect(rig.ask({ candidates: undefined }).body).toMatchObject({ eligible: ['z'], degraded: ['zone'] });
  });

  test('a missing source degrades the answer', () => {
    const rig = new UserRig({ surfaces: [surface] }).consent();
    expect(rig.ask({ candidates: undefined }).answer).toMatchObject({ slate: [], degraded: ['candidates'] });
  });
});

describe('the policy chain', () => {
  const broken = (distribution: Policy['distribution']): Policy => ({ ...uniformPolicy('live'), distribution });

  test.each([
    ['is missing', undefined, 'live: POLICY_MISSING'],
    [
      'throws',
      broken(() => {
        throw new TypeError('oops');
      }),
      'live: POLICY_THREW',
    ],
    ['gives NaN', broken((_c, candidates) => candidates.map(() => Number.NaN)), 'live: POLICY_DISTRIBUTION'],
    ['does not sum to one', broken((_c, candidates) => candidates.map(() => 0.9)), 'live: POLICY_DISTRIBUTION'],
    ['has a score that is none', { ...uniformPolicy('live'), scores: () => [Number.NaN, 1] }, 'live: POLICY_SCORES'],
  ])('falls to the next link where the live policy %s, and says why', (_name, live, reason) => {
    const rig = new UserRig({ policies: { live: live as Policy } }).consent();
    // The draw is keyed by the decision: over several decisions each candidate's score is looked at.
    const answers = Array.from({ length: 8 }, () => rig.ask().answer);
    const fallen = answers.filter(({ fallbackReason }) => fallbackReason !== null);
    expect(fallen.length).toBeGreaterThan(0);
    for (const answer of fallen) {
      expect(answer).toMatchObject({ policy: { id: 'given-order' }, fallbackReason: reason });
      expect(answer.slate).toMatchObject([{ id: 'a', propensity: 1 }]);
    }
  });

  test('ends in the order given where even its static end is missing', () => {
    const rig = new UserRig({
      surfaces: [surfaceWith({ fallback: ['lost'] })],
      policies: { live: undefined as never },
    });
    expect(rig.consent().ask().answer).toMatchObject({
      policy: { id: 'given-order' },
      fallbackReason: 'live: POLICY_MISSING; lost: POLICY_MISSING',
    });
  });

  test('only the live policy explores', () => {
    const surfaces = [surfaceWith({ exploration: { floor: 0.2 } })];
    const live = new UserRig({ surfaces }).consent().ask().body;
    expect(live.explorationFloor).toBe(0.2);
    const fallen = new UserRig({ surfaces, policies: { live: undefined as never } }).consent().ask().body;
    expect(fallen).toMatchObject({ distribution: [1, 0] });
    expect(fallen.explorationFloor).toBeUndefined();
  });

  test('a choice against the odds says so', () => {
    const greedy: Policy = { ...uniformPolicy('live'), distribution: () => [0.7, 0.3] };
    const rig = new UserRig({ policies: { live: withFloor(greedy, 0) } }).consent();
    const answers = Array.from({ length: 40 }, () => rig.ask().answer.slate[0]!);
    const codes = (id: string) =>
      new Set(answers.filter((item) => item.id === id).map(({ reasons }) => reasons.at(-1)!.code));
    expect(codes('a')).toEqual(new Set(['uniform']));
    expect(codes('b')).toEqual(new Set(['exploration']));
  });

  test('pinned candidates keep their place and are marked', () => {
    const pins = [{ candidate: 'b', position: 0 }];
    const rig = new UserRig({ surfaces: [surfaceWith({ slate: { k: 2, max: 2, pins } })] }).consent();
    expect(rig.ask().answer.slate).toMatchObject([{ id: 'b', forced: true, propensity: 1 }, { id: 'a' }]);
  });
});

describe('caps', () => {
  test('are exact over any run of decisions and pauses, folded or still in flight', () => {
    const steps = fc.array(fc.record({ wait: fc.integer({ min: 0, max: 25 }), fold: fc.boolean() }), { maxLength: 40 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 4 }), (run, max) => {
        const rig = new UserRig({ surfaces: [capped(max)] }).consent();
        // When each was made, and as of when it counts: for ever in flight, then as of its fold.
        const shown: { body: DecisionBody; madeMs: number; countedMs: number }[] = [];
        for (const { wait, fold } of run) {
          rig.nowMs += wait * MINUTE;
          const { body } = rig.ask();
          const oldestMs = rig.nowMs - 60 * MINUTE;
          if (body.slate.length > 0) shown.push({ body, madeMs: body.atMs, countedMs: Infinity });
          // Never stricter than it must be, either.
          else expect(shown.filter(({ countedMs }) => countedMs > oldestMs)).toHaveLength(max);
          expect(shown.filter(({ madeMs }) => madeMs > oldestMs).length).toBeLessThanOrEqual(max);
          rig.overlay.push(body);
          if (fold) {
            for (const pending of rig.overlay.splice(0)) {
              rig.fold({ type: 'decision', body: pending });
              const one = shown.find(({ body: made }) => made === pending);
              if (one) one.countedMs = rig.nowMs;
            }
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    ['candidate', [{ id: 'a' }], [{ id: 'a' }], [{ id: 'b' }]],
    ['category', [{ id: 'a', category: 'x' }], [{ id: 'b', category: 'x' }], [{ id: 'b', category: 'y' }]],
  ])('by %s take out only what they concern', (scope, first, same, other) => {
    const rig = new UserRig({ surfaces: [capped(1, scope)] }).consent();
    rig.decide({ candidates: first });
    expect(rig.ask({ candidates: same }).body.filtered).toEqual([{ id: same[0]!.id, rule: `cap.test.offer.${scope}` }]);
    expect(rig.ask({ candidates: other }).body.slate).toHaveLength(1);
  });

  test('are shared by surfaces that name the same one', () => {
    const caps = [{ scope: 'surface', max: 1, windowMs: MINUTE, name: 'push' }];
    const rig = new UserRig({ surfaces: [surfaceWith({ caps }), surfaceWith({ id: 'other', caps })] }).consent();
    rig.decide();
    expect(rig.ask({ surface: 'other' }).body.slate).toEqual([]);
  });
});

describe('budget', () => {
  const offers = [
    { id: 'small', costCents: 100, features: {} },
    { id: 'big', costCents: 900, features: {} },
  ];
  const candidates = [
    { id: 'small', campaign: 'c1' },
    { id: 'big', campaign: 'c1' },
  ];

  test.each([
    [1, 900, ['small', 'big'], []],
    [2, 900, ['small'], ['big']],
    [2, 1000, ['small', 'big'], []],
    [1, 99, [], ['small', 'big']],
  ])('with k %d and %d cents the dearest possible slate is affordable', (k, grantedCents, eligible, filtered) => {
    const rig = new UserRig().consent();
    rig.ledger = { campaigns: { c1: replica('c1', { offers, grantedCents }) } };
    const { body } = rig.ask({ candidates, k });
    expect(body.eligible).toEqual(eligible);
    expect(body.filtered.map(({ id }) => id)).toEqual(filtered);
    const held = body.holds.reduce((sum, { amountCents }) => sum + amountCents, 0);
    expect(held).toBeLessThanOrEqual(grantedCents);
  });

  test.each([
    ['nobody knows', {}],
    ['is paused', { c1: replica('c1', { offers, status: 'paused' }) }],
    ['is another surface’s', { c1: replica('c1', { offers, surface: 'other' }) }],
    ['has no such offer', { c1: replica('c1') }],
  ])('an offer of a campaign that %s is not made', (_name, campaigns) => {
    const rig = new UserRig().consent();
    rig.ledger = { campaigns };
    expect(rig.ask({ candidates: [candidates[0]] }).body.filtered).toEqual([{ id: 'small', rule: 'campaign' }]);
  });
});

describe('requestId', () => {
  test('a repeat is answered from the journaled record, or joins the one in flight', () => {
    const rig = new UserRig().consent();
    const request = { ...asked, requestId: 'r1' };
    const { body } = rig.ask(request);
    rig.overlay.push(body);
    expect(rig.handle('decide', request)).toEqual({ do: 'join', key: body.id });
    rig.overlay.splice(0);
    rig.fold({ type: 'decision', body });
    const handling = rig.handle('decide', { ...request, deadlineMs: 10 });
    if (handling.do !== 'reread') throw new Error(handling.do);
    expect(handling.sequence).toBe(rig.sequence);
    expect(handling.reply(body)).toMatchObject({ decisionId: body.id, token: expect.stringContaining('journal1') });
  });

  test('the same one for another question is a conflict while the first is in flight, too', () => {
    const rig = new UserRig().consent();
    const first = rig.ask({ ...asked, requestId: 'r1' }).body;
    const other = rig.ask({ ...asked, requestId: 'r2', k: 2 }).body;
    rig.overlay.push(first, other);
    for (const [requestId, k] of [
      ['r1', 2],
      ['r2', 1],
    ]) {
      expect(rig.handle('decide', { ...asked, requestId, k })).toMatchObject({
        do: 'fail',
        error: { family: 'Conflict', code: 'REQUEST_ID_CONFLICT', field: 'requestId' },
      });
    }
    // Each joins its own, whichever was asked last.
    expect(rig.handle('decide', { ...asked, requestId: 'r1' })).toEqual({ do: 'join', key: first.id });
    expect(rig.handle('decide', { ...asked, requestId: 'r2', k: 2 })).toEqual({ do: 'join', key: other.id });
    expect(rig.handle('decide', { ...asked, requestId: 'r3' }).do).toBe('append');
  });

  test('the same one for another question is a conflict', () => {
    const rig = new UserRig().consent();
    rig.decide({ requestId: 'r1' });
    expect(rig.handle('decide', { ...asked, requestId: 'r1', k: 2 })).toMatchObject({
      do: 'fail',
      error: { family: 'Conflict', code: 'REQUEST_ID_CONFLICT', field: 'requestId' },
    });
  });

  test('is forgotten beyond its horizon', () => {
    const rig = new UserRig().consent();
    rig.decide({ requestId: 'r1' });
    for (let i = 0; i < rig.settings.user.requestIdsMax; i++) rig.decide();
    expect(rig.handle('decide', { ...asked, requestId: 'r1' }).do).toBe('append');
  });
});

describe('without consent', () => {
  const addressOf = (rig: UserRig, extra: object = {}) => {
    const handling = rig.handle('decide', { ...asked, ...extra });
    if (handling.do !== 'redirect') throw new Error(handling.do);
    return handling.address;
  };

  test('an anonymous actor of the same partition answers, the same one throughout a session', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9]{1,12}$/), fc.option(fc.string({ minLength: 1 })), (token, sessionId) => {
        const rig = new UserRig({ token });
        const extra = sessionId === null ? {} : { sessionId };
        const address = addressOf(rig, extra);
        expect(address.kind).toBe('anon');
        expect(partitionOf(address.token, rig.settings.partitions)).toBe(rig.partition);
        expect(addressOf(rig, extra).token === address.token).toBe(sessionId !== null);
        if (token.length > 3) expect(address.token).not.toContain(token);
      }),
    );
  });

  test('a repeated request finds the same one', () => {
    const rig = new UserRig();
    expect(addressOf(rig, { requestId: 'r' })).toEqual(addressOf(rig, { requestId: 'r' }));
    expect(addressOf(rig, { requestId: 'r' })).not.toEqual(addressOf(rig, { requestId: 's' }));
  });

  test('the answer is not personal: no features, and only candidates that may be shown to anybody', () => {
    const seen: object[] = [];
    const live: Policy = {
      ...uniformPolicy('live'),
      distribution: (context, candidates) => {
        seen.push(context);
        return candidates.map(() => 1 / candidates.length);
      },
    };
    const rig = new UserRig({ kind: 'anon', policies: { live } });
    const { body } = rig.ask({
      subject: { kind: 'rider', id: '42' },
      candidates: [{ id: 'a' }, { id: 'p', nonPersonal: false }],
    });
    expect(body).toMatchObject({ personalized: false, filtered: [{ id: 'p', rule: 'consent' }], slate: [{ id: 'a' }] });
    expect(seen).toMatchObject([{ personalized: false, features: {} }]);
  });

  test('consent to something else is not enough', () => {
    const rig = new UserRig();
    rig.event('consent.granted', { purposes: ['ads'] });
    expect(rig.handle('decide', asked).do).toBe('redirect');
  });

  test('caps count within the session', () => {
    const rig = new UserRig({ kind: 'anon', surfaces: [capped(1)] });
    rig.decide();
    expect(rig.ask().body.slate).toEqual([]);
    rig.pass(60 * MINUTE);
    expect(rig.ask().body.slate).toHaveLength(1);
  });
});

describe('other verbs', () => {
  test('decision: one that is answered and not folded yet is known', () => {
    const rig = new UserRig().consent();
    const { body } = rig.ask();
    rig.overlay.push(body);
    expect(rig.handle('decision', { decisionId: body.id })).toEqual({ do: 'reply', body });
  });

  test('decision: rereads a known one, and does not know others', () => {
    const rig = new UserRig().consent();
    const body = rig.decide();
    const handling = rig.handle('decision', { decisionId: body.id });
    if (handling.do !== 'reread') throw new Error(handling.do);
    expect(handling.sequence).toBe(rig.sequence);
    expect((handling.reply(body) as DecisionBody).id).toBe(body.id);
    const failing = (decisionId: unknown) => rig.handle('decision', { decisionId });
    expect(failing('nonce999999.user.42')).toMatchObject({ do: 'fail', error: { code: 'DECISION_UNKNOWN' } });
    expect(failing(body.id.replace('.42', '.43'))).toMatchObject({ do: 'fail', error: { code: 'DECISION_UNKNOWN' } });
    expect(failing(7)).toMatchObject({ do: 'fail', error: { code: 'INVALID_REQUEST', field: 'decisionId' } });
    expect(rig.handle('decision', null)).toMatchObject({ do: 'fail', error: { field: 'decisionId' } });
  });

  test('view: shows the state, and no profile without consent', () => {
    const rig = new UserRig({ surfaces: [capped(3)] }).consent();
    const { id } = rig.decide();
    rig.event('accept', { decisionId: id, lat: 40.75, lng: -73.98 });
    const view = () => (rig.handle('view', undefined) as { body: Record<string, unknown> }).body;
    expect(view()).toMatchObject({
      kind: 'user',
      token: '42',
      consent: { mode: 'granted', purposes: ['personalization'] },
      session: { mode: 'active' },
      counters: { accepts: 1, decisions: 1 },
      caps: [{ key: 'test.offer.surface', count: 1 }],
      pending: [{ decisionId: id, surface: 'test.offer', reward: 1 }],
      inFlight: 0,
    });
    expect(view().lastZones).toHaveLength(1);
    rig.event('consent.withdrawn');
    expect(view()).toMatchObject({ counters: {}, features: {}, lastZones: [], caps: [] });
  });

  test('an unknown verb is said to be one', () => {
    expect(new UserRig().handle('dance', {})).toMatchObject({ do: 'fail', error: { code: 'UNKNOWN_VERB' } });
  });
});

test('a decision that was refused is decided anew', () => {
  const rig = new UserRig().consent();
  const handling = rig.handle('decide', asked);
  if (handling.do !== 'append') throw new Error(handling.do);
  expect(handling.refused('budget')).toBeUndefined();
  expect((handling.reply({ sequence: 1, token: 'x' }) as DecisionAnswer).token).toBe('x');
});
