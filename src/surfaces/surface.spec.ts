import { UTC } from '../messages/settings.js';
import { describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadPolicies } from '../policies/declared-policies.js';
import { loadSurfaces, rewardsOf } from './load-surfaces.js';
import { compileSurface } from './surface.js';

const minimal = {
  id: 'a.b',
  subjectKinds: ['rider'],
  slate: { k: 1, max: 2 },
  candidates: { source: 'request' },
  policy: 'p',
  fallback: ['given-order'],
  reward: { windowMs: 1000, signals: {} },
  validMs: 1000,
};
const DAY = 86_400_000;

describe('compileSurface', () => {
  test('takes every spelling of a cell for the one zone in what is ruled, where candidates are zones', () => {
    const cells = ['882a100d67fffff', '882a100d65fffff', '882a100d63fffff'] as const;
    const [pin, forbidden, boosted] = cells;
    const ruling = {
      slate: { k: 1, max: 2, pins: [{ candidate: pin.toUpperCase(), position: 0 }] },
      rules: {
        forbid: [{ candidate: `0${forbidden}` }, { candidate: 'Not-A-Cell' }, { category: 'far' }],
        boost: [{ candidate: `00${boosted.toUpperCase()}`, factor: 2 }],
      },
    };
    const { slate, rules } = compileSurface({ ...minimal, ...ruling, candidates: { source: 'zones' } });
    expect(slate.pins).toEqual([{ candidate: pin, position: 0 }]);
    expect([...cells, 'Not-A-Cell'].map((id) => rules.forbids({ id }))).toEqual([false, true, false, true]);
    expect(cells.map((id) => rules.boostOf!({ id }))).toEqual([1, 1, 2]);

    const asGiven = compileSurface({ ...minimal, ...ruling });
    expect(asGiven.slate.pins).toEqual(ruling.slate.pins);
    expect(asGiven.rules.forbids({ id: forbidden })).toBe(false);
  });

  test('finds one zone ruled twice in two spellings', () => {
    const cell = '882a100d67fffff';
    const twice = {
      candidates: { source: 'zones' },
      rules: { forbid: [{ candidate: cell }, { candidate: `0${cell}` }] },
    };
    expect(() => compileSurface({ ...minimal, ...twice })).toThrow(
      expect.objectContaining({
        code: 'SURFACE_INVALID',
        message: expect.stringContaining('rules.forbid.1.candidate:'),
      }),
    );
  });

  test('fills in defaults and derives the chain and the names of caps', () => {
    const surface = compileSurface({
      ...minimal,
      caps: [
        { scope: 'campaign', max: 1, windowMs: DAY },
        { scope: 'category', max: 1, windowMs: DAY, name: 'shared' },
      ],
    });
    expect(surface).toMatchObject({
      purpose: 'personalization',
      chain: ['p', 'given-order'],
      exploration: { floor: 0 },
      fatigue: { cost: 0, exempt: false },
      caps: [{ name: 'a.b.campaign' }, { name: 'shared' }],
      stateOf: undefined,
    });
  });

  test.each([
    [{ slate: { k: 3, max: 2 } }, 'slate.k'],
    [{ slate: { k: 1, max: 51 } }, 'slate.max'],
    [{ fallback: [] }, 'fallback'],
    [{ surprise: 1 }, 'surprise'],
    [{ subjectKinds: ['cat'] }, 'subjectKinds.0'],
    [{ candidates: { source: 'thin air' } }, 'candidates.source'],
    [{ exploration: { floor: 0.6 } }, 'exploration.floor'],
    [{ reward: { windowMs: 1000, signals: {}, min: 2 } }, 'reward.min'],
    [{ caps: [{ scope: 'surface', max: 0, windowMs: DAY }] }, 'caps.0.max'],
    [{ state: [{ name: 'x', from: 'feature', key: 'f', edges: [2, 1] }] }, 'state.0.edges'],
    [{ slate: { k: 1, max: 2, pins: [{ candidate: 'c', position: 2 }] } }, 'slate.pins.0.position'],
    [
      {
        caps: [
          { scope: 'surface', max: 1, windowMs: DAY },
          { scope: 'surface', max: 2, windowMs: 2 * DAY },
        ],
      },
      'caps.1.name',
    ],
  ])('%j is refused, naming the field', (overrides, field) => {
    expect(() => compileSurface({ ...minimal, ...overrides })).toThrow(field);
  });

  test('reports all problems at once', () => {
    const compile = () => compileSurface({ ...minimal, validMs: -1, policy: '' });
    expect(compile).toThrow('validMs');
    expect(compile).toThrow('policy');
  });

  test('turns what is known into a state', () => {
    const { stateOf } = compileSurface({
      ...minimal,
      state: [
        { name: 'day', from: 'hour-of-week', edges: [24, 48] },
        { name: 'freq', from: 'feature', key: 'f', edges: [0, 1] },
        { name: 'rain', from: 'context-value', key: 'rain', values: [true, false] },
        { name: 'temp', from: 'context', key: 'temp', edges: [10] },
      ],
    });
    // A Tuesday morning, in UTC.
    const nowMs = Date.UTC(2025, 0, 7, 9);
    const known = { features: { f: 1 }, context: { rain: true, temp: 9 }, nowMs, timeZone: UTC };
    expect(stateOf!(known)).toBe('day=1|freq=2|rain=true|temp=0');
    const less = { features: {}, context: { rain: 'a bit' }, nowMs, timeZone: UTC };
    expect(stateOf!(less)).toBe('day=1|freq=-|rain=*|temp=-');
  });
});

describe('loadSurfaces', () => {
  test('loads the surfaces that ship with the engine, each ending in a static answer', () => {
    const surfaces = loadSurfaces('config/surfaces', loadPolicies('config/policies'));
    expect([...surfaces.keys()].sort()).toEqual(['driver.heatmap', 'promo.discount', 'rider.pickup']);
    expect(rewardsOf(surfaces)['promo.discount']!.impression).toBe('required');
  });

  test('names file and field, and refuses chains that do not end in a static answer or caps that disagree', () => {
    const folder = mkdtempSync(join(tmpdir(), 'attune-surfaces-'));
    const cap = (max: number) => [{ scope: 'category', max, windowMs: DAY, name: 'shared' }];
    try {
      writeFileSync(join(folder, '1.yaml'), JSON.stringify({ ...minimal, fallback: ['demand-softmax'], caps: cap(1) }));
      writeFileSync(join(folder, '2.yaml'), JSON.stringify({ ...minimal, id: 'b', caps: cap(2) }));
      writeFileSync(join(folder, '3.yaml'), JSON.stringify({ ...minimal, id: 'c', validMs: 0 }));
      writeFileSync(join(folder, '4.yaml'), 'id: {');
      const load = () => loadSurfaces(folder, loadPolicies('config/policies'));
      expect(load).toThrow('1.yaml: fallback.0: demand-softmax is not a static policy');
      expect(load).toThrow('b: caps: shared is');
      expect(load).toThrow('3.yaml: validMs');
      expect(load).toThrow('4.yaml: ');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
