import { describe, expect, it } from '@jest/globals';
import { surfaceWith } from '../../test/support/user-actor.js';
import { sealArtifact, type Artifact } from '../policies/artifact.js';
import { packFloats } from '../policies/packed.js';
import { LEARNED_FAMILIES } from '../policies/registry/learned-families.js';
import { openerInPlace } from '../../test/support/opener-in-place.js';
import { policyOf } from '../policies/registry/policy-of.js';
import { PolicyRegistry } from '../policies/registry/registry.js';
import { encodeArtifact } from '../policies/artifact.js';
import type { Policy } from '../policies/policy.js';
import { assertFits, fitsWhereItServes } from './policy-fit.js';
import type { Surface } from './surface.js';

const artifactOf = (family: string, parameters: unknown, version = 1): Artifact =>
  sealArtifact({
    schema: 1,
    family,
    policy: { id: 'live', version },
    parameters,
    lineage: { learner: 'l', experiences: 0, sequence: 0, createdAtMs: 0 },
  });
const exploration = { kind: 'epsilon-greedy', epsilon: 0.1 };
const tableOf = (...states: string[]): Artifact =>
  artifactOf('q-table', { q: Object.fromEntries(states.map((state) => [state, { a: 1 }])), exploration });
const networkOf = (inputs: number): Artifact =>
  artifactOf('mlp-q', {
    actions: ['a'],
    layers: [
      { weights: packFloats(new Float32Array(inputs), [inputs, 1]), bias: packFloats(new Float32Array(1), [1]) },
    ],
    observation: { scaling: { offset: new Array(inputs).fill(0), scale: new Array(inputs).fill(1) } },
    exploration,
  });
const terms = (...of: object[]) => ({ features: { shared: { terms: of } }, covariance: 'diagonal', precision: 1 });

const state = [
  { name: 'hour', from: 'hour-of-week', edges: [24, 48] },
  { name: 'rain', from: 'context-value', key: 'rain', values: [true, 'a|b=c', 'much'] },
];
const observation = [
  { name: 'a', from: 'context', key: 'a' },
  { name: 'b', from: 'hour-of-day' },
];
const check = (artifact: Artifact, surface: Surface) => () =>
  assertFits(artifact, policyOf(artifact, LEARNED_FAMILIES), surface);
const refused = (field: string, message: string) =>
  expect.objectContaining({
    code: 'ARTIFACT_UNFIT',
    field,
    message: expect.stringContaining(message),
  }) as unknown as Error;

describe('an artifact', () => {
  it.each([['hour=0|rain=true'], ['hour=2|rain=much'], ['hour=-|rain=*'], ['hour=1|rain=a|b=c'], ['hour=1|rain=-']])(
    'with the state %s fits a surface that may be in it',
    (one) => {
      expect(check(tableOf(one), surfaceWith({ state }))).not.toThrow();
    },
  );

  it.each([
    ['hour=3|rain=true'],
    ['hour=0'],
    ['rain=true|hour=0'],
    ['hour=0|rain=true|more=1'],
    ['hour=0|rain=little'],
    ['Hour=0|rain=true'],
    [''],
    ['hour=00|rain=true'],
  ])('with the state %j does not fit a surface that is never in it', (one) => {
    expect(check(tableOf('hour=0|rain=true', one), surfaceWith({ state }))).toThrow(
      refused('parameters.q', 'never in'),
    );
  });

  it('of states does not fit a surface that has none, unless it knows none either', () => {
    expect(check(tableOf('hour=0'), surfaceWith())).toThrow(refused('parameters.q', 'has none'));
    expect(check(tableOf(), surfaceWith())).not.toThrow();
  });

  it.each([
    [3, observation, undefined],
    [2, observation, 'has 3'],
    [4, observation, 'has 3'],
    [1, undefined, 'has 0'],
  ])('that needs an observation of %d numbers', (inputs, given, problem) => {
    const surface = surfaceWith(given === undefined ? {} : { observation: given });
    const asserts = expect(check(networkOf(inputs), surface));
    if (problem === undefined) asserts.not.toThrow();
    else asserts.toThrow(refused('observation', problem));
  });

  it('that looks up features of subjects fits where the surface logs them', () => {
    const artifact = artifactOf('beta-thompson', { arms: {}, prior: [1, 1] });
    const looking = { ...artifact, parameters: terms({ kind: 'number', from: 'subject', name: 'trips' }) };
    const policy: Policy = policyOf(artifact, LEARNED_FAMILIES);
    const on = (log: object) => () => assertFits(looking, policy, surfaceWith({ log }));
    expect(on({ subject: ['trips'] })).not.toThrow();
    expect(on({ subject: ['clicks'] })).toThrow(refused('parameters.features.shared.terms.0', 'trips'));
    expect(on({})).toThrow(refused('parameters.features.shared.terms.0', 'log.subject'));
  });

  it('whose policy throws, or gives numbers that are not finite, on the surface fits nowhere', () => {
    const artifact = artifactOf('beta-thompson', { arms: {}, prior: [1, 1] });
    const sound = policyOf(artifact, LEARNED_FAMILIES);
    for (const broken of [
      { distribution: () => [Number.NaN, 1] },
      { scores: () => [Infinity, 0] },
      { scores: () => [] },
      { explain: () => { throw new Error('boom'); } }, // prettier-ignore
    ])
      expect(() => assertFits(artifact, { ...sound, ...broken }, surfaceWith())).toThrow(
        refused('parameters', 'cannot answer'),
      );
  });
});

describe('a registry that knows the surfaces', () => {
  it('keeps the last version that fits, whoever published another one, and says why', async () => {
    const surfaces = new Map([['s', surfaceWith({ state })]]);
    const registry = new PolicyRegistry(openerInPlace(LEARNED_FAMILIES, fitsWhereItServes(surfaces)));
    const offer = (artifact: Artifact) => registry.offer(artifact.policy, encodeArtifact(artifact));
    await offer(tableOf('hour=0|rain=true'));
    const unfit = artifactOf('q-table', { q: { elsewhere: { a: 1 } }, exploration }, 2);
    expect(await offer(unfit)).toMatchObject({ version: 1, refused: { version: 2, code: 'ARTIFACT_UNFIT' } });
    expect(registry.get('live')!.ref.version).toBe(1);
  });
});
