import { describe, expect, it } from '@jest/globals';
import { encodeArtifact, openArtifact, sealArtifact } from '../artifact.js';
import type { ArtifactStore, RegistryEntry } from './artifact-store.js';
import { LEARNED_FAMILIES } from './learned-families.js';
import { PolicyRegistry, type PolicyStatus } from './registry.js';

const artifact = (version: number, overrides: { family?: string; parameters?: unknown } = {}): Uint8Array =>
  encodeArtifact(
    sealArtifact({
      schema: 1,
      family: overrides.family ?? 'beta-thompson',
      policy: { id: 'p', version },
      parameters: overrides.parameters ?? { arms: { a: [version, 1] }, prior: [1, 1] },
      lineage: { learner: 'l', experiences: 0, sequence: 0, createdAtMs: 5 },
    }),
  );

describe('the policy registry', () => {
  it('swaps in a newer version at once', () => {
    const registry = new PolicyRegistry(LEARNED_FAMILIES);
    expect(registry.get('p')).toBeUndefined();
    registry.offer({ id: 'p', version: 1 }, artifact(1));
    registry.offer({ id: 'p', version: 2 }, artifact(2));
    expect(registry.get('p')!.ref).toEqual({ id: 'p', version: 2 });
    expect(registry.status()).toMatchObject([
      { policyId: 'p', version: 2, family: 'beta-thompson', refused: undefined },
    ]);
  });

  it.each([
    ['ARTIFACT_MALFORMED', Buffer.from('{')],
    ['ARTIFACT_FAMILY_UNKNOWN', artifact(2, { family: 'toString' })],
    ['POLICY_PARAMETERS', artifact(2, { parameters: { arms: {}, prior: [0, 0] } })],
    ['ARTIFACT_MISNAMED', artifact(7)],
    ['ARTIFACT_CHECKSUM', Buffer.from(Buffer.from(artifact(2)).toString().replace('"a":[2', '"a":[3'))],
  ])('keeps the last good version and says %s', (code, bytes) => {
    const registry = new PolicyRegistry(LEARNED_FAMILIES);
    registry.offer({ id: 'p', version: 1 }, artifact(1));
    expect(registry.offer({ id: 'p', version: 2 }, bytes).refused).toMatchObject({ version: 2, code });
    expect(registry.get('p')!.ref.version).toBe(1);
  });

  it('refuses a policy whose distribution is not one', () => {
    const registry = new PolicyRegistry({
      bad: (source) => ({
        ref: source.policy,
        distribution: () => [Number.NaN, 1],
        scores: () => [0, 0],
        explain: () => [],
      }),
    });
    const status = registry.offer({ id: 'p', version: 1 }, artifact(1, { family: 'bad' }));
    expect(status).toMatchObject({ version: undefined, refused: { code: 'ARTIFACT_DISTRIBUTION' } });
  });

  it('follows a store, and never lets a slow load replace a newer version', async () => {
    const loads = new Map<number, (bytes: Uint8Array | undefined) => void>();
    let tell: (entry: RegistryEntry) => void = () => undefined;
    const store: ArtifactStore = {
      publish: () => Promise.resolve('live'),
      entry: () => Promise.resolve(undefined),
      load: (_, version) => new Promise((resolve) => loads.set(version!, resolve)),
      watch: (onChange) => {
        tell = onChange;
        return () => undefined;
      },
    };
    const seen: (number | undefined)[] = [];
    const registry = new PolicyRegistry(LEARNED_FAMILIES, (status) => seen.push(status.version));
    const stop = registry.follow(store);
    const entry = {
      policyId: 'p',
      objectKey: '',
      checksum: '',
      publishedAtMs: 0,
      by: 'l',
      experiences: 0,
      epoch: 1,
      candidates: [],
      newest: 1,
    };
    tell({ ...entry, version: 1 });
    tell({ ...entry, version: 2 });
    loads.get(2)!(artifact(2));
    await Promise.resolve();
    loads.get(1)!(artifact(1));
    await Promise.resolve();
    await Promise.resolve();
    expect(seen).toEqual([2]);
    stop();
    tell({ ...entry, version: 3 });
    expect(loads.has(3)).toBe(false);
  });

  it('says who holds what is live, and does not load it anew for that', async () => {
    const loads: number[] = [];
    let tell: (entry: RegistryEntry) => void = () => undefined;
    const store: ArtifactStore = {
      publish: () => Promise.resolve('live'),
      entry: () => Promise.resolve(undefined),
      load: (_, version) => {
        loads.push(version!);
        return Promise.resolve(artifact(1));
      },
      watch: (onChange) => {
        tell = onChange;
        return () => undefined;
      },
    };
    const heard: PolicyStatus[] = [];
    const registry = new PolicyRegistry(LEARNED_FAMILIES, (status) => void heard.push(status));
    registry.follow(store);
    const { checksum } = openArtifact(artifact(1));
    const entry = { policyId: 'p', version: 1, objectKey: '', checksum, publishedAtMs: 0, by: 'l', experiences: 0 };
    const held = { by: 'ada', why: 'accepts fell', atMs: 1 };
    tell({ ...entry, epoch: 1, candidates: [], newest: 1 });
    await new Promise((resolve) => setImmediate(resolve));
    tell({ ...entry, epoch: 1, candidates: [3, 2], newest: 3, held });
    await new Promise((resolve) => setImmediate(resolve));
    expect(registry.status()).toMatchObject([{ version: 1, held: { ...held, candidates: [3, 2] } }]);
    tell({ ...entry, epoch: 1, candidates: [3, 2], newest: 3 });
    await new Promise((resolve) => setImmediate(resolve));
    expect(heard.map((status) => status.held?.by)).toEqual([undefined, 'ada', undefined]);
    expect(loads).toEqual([1]);
  });
});
