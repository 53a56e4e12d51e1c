import { describe, expect, it } from '@jest/globals';
import { openerInPlace } from '../../../test/support/opener-in-place.js';
import { EngineError } from '../../kernel/errors.js';
import { encodeArtifact, openArtifact, sealArtifact } from '../artifact.js';
import type { ArtifactStore, RegistryEntry } from './artifact-store.js';
import { LEARNED_FAMILIES } from './learned-families.js';
import type { PolicyOpener } from './opener.js';
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
  it('swaps in a newer version at once', async () => {
    const registry = new PolicyRegistry(openerInPlace(LEARNED_FAMILIES));
    expect(registry.get('p')).toBeUndefined();
    await registry.offer({ id: 'p', version: 1 }, artifact(1));
    await registry.offer({ id: 'p', version: 2 }, artifact(2));
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
  ])('keeps the last good version and says %s', async (code, bytes) => {
    const registry = new PolicyRegistry(openerInPlace(LEARNED_FAMILIES));
    await registry.offer({ id: 'p', version: 1 }, artifact(1));
    expect((await registry.offer({ id: 'p', version: 2 }, bytes)).refused).toMatchObject({ version: 2, code });
    expect(registry.get('p')!.ref.version).toBe(1);
  });

  it('refuses a policy whose distribution is not one', async () => {
    const registry = new PolicyRegistry(
      openerInPlace({
        bad: (source) => ({
          ref: source.policy,
          distribution: () => [Number.NaN, 1],
          scores: () => [0, 0],
          explain: () => [],
        }),
      }),
    );
    const status = await registry.offer({ id: 'p', version: 1 }, artifact(1, { family: 'bad' }));
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
    const registry = new PolicyRegistry(openerInPlace(LEARNED_FAMILIES), (status) => seen.push(status.version));
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
    await new Promise((resolve) => setImmediate(resolve));
    loads.get(1)!(artifact(1));
    await new Promise((resolve) => setImmediate(resolve));
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
    const registry = new PolicyRegistry(openerInPlace(LEARNED_FAMILIES), (status) => void heard.push(status));
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

  describe('while an artifact is being opened', () => {
    /** An opener that is done when the test says so, and a store that tells of what is published. */
    function world() {
      const opening: { version: number; end: (error?: Error) => void }[] = [];
      const inPlace = openerInPlace(LEARNED_FAMILIES);
      const opener: PolicyOpener = {
        open: (bytes, expected) =>
          new Promise((resolve, reject) => {
            const end = (error?: Error): void => (error ? reject(error) : resolve(inPlace.open(bytes, expected)));
            opening.push({ version: expected.version, end });
          }),
      };
      const loads: number[] = [];
      let tell: (entry: RegistryEntry) => void = () => undefined;
      const store: ArtifactStore = {
        publish: () => Promise.resolve('live'),
        entry: () => Promise.resolve(undefined),
        load: (_, version) => {
          loads.push(version!);
          return Promise.resolve(artifact(version!));
        },
        watch: (onChange) => {
          tell = onChange;
          return () => undefined;
        },
      };
      const heard: PolicyStatus[] = [];
      const registry = new PolicyRegistry(opener, (status) => void heard.push(status));
      const unfollow = registry.follow(store);
      const told = async (version: number, more: Partial<RegistryEntry> = {}): Promise<void> => {
        const { checksum } = openArtifact(artifact(version));
        const plain = {
          policyId: 'p',
          objectKey: '',
          publishedAtMs: 0,
          by: 'l',
          experiences: 0,
          epoch: 1,
          candidates: [],
        };
        tell({ ...plain, version, checksum, newest: version, ...more });
        await turn();
      };
      const ended = async (error?: Error): Promise<void> => {
        opening.at(-1)!.end(error);
        await turn();
      };
      const opened = () => opening.map(({ version }) => version);
      return { registry, heard, loads, told, ended, opened, unfollow };
    }
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const lost = new EngineError('Dependency', 'ARTIFACT_OPENER_CRASHED', 'The thread ended.');

    it('opens one at a time, the newest next, and nothing that was overtaken before its turn', async () => {
      const { registry, told, ended, opened } = world();
      for (const version of [1, 2, 3]) await told(version);
      expect(opened()).toEqual([1]);
      await ended();
      // Newer than what was live, though a newer one still is on its way.
      expect(registry.get('p')!.ref.version).toBe(1);
      expect(opened()).toEqual([1, 3]);
      await ended();
      expect(registry.get('p')!.ref.version).toBe(3);
      expect(opened()).toEqual([1, 3]);
    });

    it('neither loads nor opens it once more when only its hold changes', async () => {
      const { registry, loads, heard, told, ended, opened } = world();
      await told(1);
      const held = { by: 'ada', why: 'accepts fell', atMs: 1 };
      await told(1, { held });
      await ended();
      await told(1);
      expect([loads, opened()]).toEqual([[1], [1]]);
      expect(heard.map((status) => [status.version, status.held?.by])).toEqual([
        [undefined, 'ada'],
        [1, 'ada'],
        [1, undefined],
      ]);
      expect(registry.get('p')!.ref.version).toBe(1);
    });

    it('tries again after a thread that ended, a few times; then it says why, and what is live stays', async () => {
      const { registry, loads, told, ended, opened } = world();
      await told(1);
      await ended(lost);
      await ended();
      expect(registry.status()).toMatchObject([{ version: 1, refused: undefined }]);
      await told(2);
      for (let tries = 0; tries < 3; tries++) await ended(lost);
      expect(registry.status()).toMatchObject([{ version: 1, refused: { version: 2, code: lost.code } }]);
      expect(opened()).toEqual([1, 1, 2, 2, 2]);
      // The bytes went with the thread.
      expect(loads).toEqual([1, 1, 2, 2, 2]);
    });

    it('takes nothing live any more that a rollback has overtaken', async () => {
      const { registry, told, ended, opened } = world();
      await told(1);
      await ended();
      await told(2);
      await told(3, { held: { by: 'ada', why: 'v2 is bad', atMs: 1 } });
      await ended();
      expect(registry.get('p')!.ref.version).toBe(1);
      expect(opened()).toEqual([1, 2, 3]);
      await ended();
      expect(registry.get('p')!.ref.version).toBe(3);
    });

    it('tries what was overtaken no more', async () => {
      const { registry, told, ended, opened } = world();
      await told(1);
      await told(2);
      await ended(lost);
      expect(opened()).toEqual([1, 2]);
      await ended();
      expect(registry.get('p')!.ref.version).toBe(2);
    });

    it('leaves what is live where it is said to be so again', async () => {
      const { registry, told, ended } = world();
      await told(1);
      await ended();
      await told(2);
      await told(1);
      await ended();
      expect(registry.get('p')!.ref.version).toBe(1);
    });

    it('swaps nothing in once nobody follows any more', async () => {
      const { registry, told, ended, unfollow } = world();
      await told(1);
      unfollow();
      await ended();
      expect(registry.get('p')).toBeUndefined();
    });
  });
});
