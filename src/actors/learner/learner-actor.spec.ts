import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Chainer,
  experience,
  InlineTrainer,
  MemoryArtifactStore,
  MemoryCheckpointStore,
  MemoryStream,
  MemoryVerdictStore,
  SURFACE,
  until,
} from '../../../test/support/learning.js';
import { systemClock, type Clock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import { betaThompson } from '../../learners/beta-thompson/learner.js';
import { anyPlugin, type AnyLearnerPlugin, type Learner } from '../../learners/learner.js';
import { ThreadOpener } from '../artifacts/thread-opener.js';
import { decodeCheckpoint } from './checkpoint.js';
import { LearnerActor } from './learner-actor.js';
import { learnerSettingsSchema } from './settings.js';
import type { LearnerStatus } from './status.js';

const plain = anyPlugin(betaThompson);
/** Beta-Thompson, but for what a test changes. */
const changed = (change: (learner: Learner<unknown>) => Partial<Learner<unknown>>): AnyLearnerPlugin => ({
  ...plain,
  create: (config, deps, saved) => {
    const learner = plain.create(config, deps, saved);
    const made = {
      update: learner.update.bind(learner),
      snapshot: () => learner.snapshot(),
      exportPolicy: () => learner.exportPolicy(),
    };
    return Object.defineProperties(made, Object.getOwnPropertyDescriptors(change(learner)));
  },
});
const settings = learnerSettingsSchema.parse({
  id: 'l',
  kind: 'beta-thompson',
  surface: SURFACE,
  policy: 'p',
  batchSize: 4,
  publishEvery: 2,
  publishMinMs: 1,
  restartMs: 1,
  restartMaxMs: 4,
});

function world(initial: AnyLearnerPlugin = plain, clock: Clock = systemClock) {
  const stream = new MemoryStream();
  const artifacts = new MemoryArtifactStore();
  const checkpoints = new MemoryCheckpointStore();
  const parts = { plugin: initial, chain: new Chainer() };
  const told: LearnerStatus[] = [];
  let launches = 0;
  const start = (epoch: number): LearnerActor => {
    const actor = new LearnerActor(settings, epoch, {
      source: stream,
      artifacts,
      checkpoints,
      verdicts: new MemoryVerdictStore(),
      opener: new ThreadOpener({ surfaces: [], clock: systemClock }),
      clock,
      launch: () => {
        launches++;
        return new InlineTrainer(parts.plugin);
      },
      onMode: (status) => told.push(status),
    });
    actor.start();
    actors.push(actor);
    return actor;
  };
  const reward = (value: number, count = 1): void => {
    for (let i = 0; i < count; i++) stream.push(parts.chain.message(experience({ reward: value, rewardedId: 'a' })));
  };
  const arms = (): unknown => (artifacts.published.at(-1)!.parameters as { arms: unknown }).arms;
  return { stream, artifacts, checkpoints, parts, start, reward, arms, told, launches: () => launches };
}
const actors: LearnerActor[] = [];
afterEach(() => Promise.all(actors.splice(0).map((actor) => actor.stop())));

describe('a learner actor', () => {
  it('publishes the prior at once, and what it learned when it is idle', async () => {
    const { start, reward, artifacts, arms } = world();
    const actor = start(1);
    await until(() => artifacts.published.length === 1);
    expect(arms()).toEqual({});
    reward(1, 3);
    await until(() => artifacts.published.at(-1)!.lineage.sequence === 3);
    expect(arms()).toEqual({ a: [4, 1] });
    await until(() => actor.status().mode === 'learning');
    expect(actor.status()).toMatchObject({
      learned: 3,
      position: 3,
      lag: 0,
      stalenessMs: 0,
      rewardMean: 1,
      reason: null,
    });
  });

  it('does not undo what an operator holds: what it learns meanwhile is a candidate, and live again once it is released', async () => {
    const { start, reward, artifacts } = world();
    const actor = start(1);
    await until(() => actor.status().mode === 'learning');
    artifacts.held = { by: 'ada', why: 'accepts fell', atMs: 1 };
    reward(1, 3);
    await until(() => artifacts.candidates.at(-1)?.lineage.sequence === 3);
    await until(() => actor.status().mode === 'learning');
    expect(artifacts.published).toHaveLength(1);
    expect(actor.status()).toMatchObject({ version: 1, held: { by: 'ada', why: 'accepts fell' }, failures: 0 });
    const { newest } = (await artifacts.entry('p'))!;
    artifacts.held = undefined;
    reward(1, 3);
    await until(() => artifacts.published.at(-1)!.lineage.sequence === 6);
    await until(() => actor.status().held === null);
    expect(artifacts.published[1]!.policy.version).toBeGreaterThan(newest);
    expect(actor.status().version).toBe(artifacts.published.at(-1)!.policy.version);
  });

  describe('with a large state', () => {
    const PADDING = 20_000;
    /** What it saves has many arms, so that what it learned of the first has to be added to it. */
    const large = changed((learner) => ({
      snapshot: () => {
        const { arms } = learner.snapshot() as { arms: [string, number[]][] };
        const padding = Array.from({ length: PADDING }, (_, i) => [`arm-${i}`, [1, 1]]);
        return { arms: [...arms, ...padding] };
      },
    }));
    function resting() {
      let nowMs = 0;
      const clock: Clock = {
        ...systemClock,
        monotonicMs: () => nowMs,
        // Soon enough to see that time was passed on.
        after: (delayMs, task) => systemClock.after(Math.min(delayMs, 5), task),
      };
      return { ...world(large, clock), pass: (ms: number) => (nowMs += ms) };
    }

    it('publishes on, and saves again only after a rest as long as the checkpoint was large', async () => {
      const { reward, artifacts, checkpoints, start, pass } = resting();
      start(1);
      await until(() => checkpoints.saved.length === 1);
      const restMs = checkpoints.saved[0]!.length / 64;
      reward(1, 20);
      await until(() => artifacts.published.at(-1)!.lineage.sequence === 20);
      pass(restMs - 10);
      reward(1, 20);
      await until(() => artifacts.published.at(-1)!.lineage.sequence === 40);
      expect(checkpoints.saved).toHaveLength(1);
      pass(20);
      reward(1);
      await until(() => checkpoints.saved.length === 2);
      // The stream may be trimmed as far as these say, and they say what is saved.
      const covered = checkpoints.saved.map((bytes) => decodeCheckpoint(bytes).session);
      expect(checkpoints.places).toEqual(covered.map(({ identity, position }) => ({ identity, position })));
      expect(checkpoints.places.at(-1)!.position).toBeGreaterThan(20);
      expect(artifacts.published.at(-1)!.lineage.sequence).toBe(41);
    });

    it('saves when its rest is over, though nothing more comes', async () => {
      const { reward, artifacts, checkpoints, start, pass } = resting();
      start(1);
      await until(() => checkpoints.saved.length === 1);
      reward(1, 3);
      await until(() => artifacts.published.length === 2);
      expect(checkpoints.saved).toHaveLength(1);
      pass(1e9);
      await until(() => checkpoints.saved.length === 2);
    });

    it('after a crash learns again what the live version knows, before it publishes', async () => {
      const { reward, artifacts, checkpoints, start, pass } = resting();
      const first = start(1);
      await until(() => checkpoints.saved.length === 1);
      reward(1, 16);
      await until(() => artifacts.published.at(-1)!.lineage.experiences === 16);
      const published = artifacts.published.length;
      await first.stop();
      expect(checkpoints.saved).toHaveLength(1);
      pass(1e9);
      const second = start(2);
      await until(() => second.status().position === 16);
      reward(1, 2);
      await until(() => artifacts.published.length > published);
      expect(artifacts.published[published]!.lineage.experiences).toBeGreaterThanOrEqual(16);
      await until(() => artifacts.published.at(-1)!.lineage.experiences === 18);
    });
  });

  it('goes on where another left off, with rising versions, and counts nothing twice', async () => {
    const { start, reward, artifacts, arms } = world();
    const first = start(1);
    reward(1, 5);
    await until(() => artifacts.published.at(-1)?.lineage.sequence === 5);
    await first.stop();
    reward(0, 5);
    start(2);
    await until(() => artifacts.published.at(-1)!.lineage.sequence === 10);
    expect(arms()).toEqual({ a: [6, 6] });
    const versions = artifacts.published.map(({ policy }) => policy.version);
    expect(versions).toEqual(versions.map((_, i) => i + 1));
  });

  it('degrades when the learner throws, keeps what is live, and recovers from its checkpoint', async () => {
    const { start, reward, artifacts, arms, parts } = world(
      changed(() => ({
        update: () => {
          throw new Error('out of luck');
        },
      })),
    );
    const actor = start(1);
    await until(() => artifacts.published.length === 1);
    reward(1, 2);
    await until(() => actor.status().failures >= 2);
    expect(actor.status().reason).toContain('INTERNAL');
    expect(artifacts.published).toHaveLength(1);
    parts.plugin = plain;
    await until(() => artifacts.published.at(-1)!.lineage.sequence === 2);
    expect(arms()).toEqual({ a: [3, 1] });
    await until(() => actor.status().reason === null);
  });

  it('says what it computes with, in its status and to whoever hears of its modes, as soon as that is known', async () => {
    let runtime: string | undefined;
    const { start, reward, told } = world(
      changed((learner) => ({
        get runtime() {
          return runtime;
        },
        update: (batch, signal) => {
          runtime = 'TensorFlow.js, wasm';
          return learner.update(batch, signal);
        },
      })),
    );
    const actor = start(1);
    await until(() => actor.status().mode === 'learning');
    expect(actor.status().runtime).toBeNull();
    reward(1);
    await until(() => actor.status().position === 1);
    expect(actor.status().runtime).toBe('TensorFlow.js, wasm');
    expect(told.find((status) => status.runtime !== null)).toMatchObject({ mode: 'learning', position: 1 });
  });

  it('does not train again what has diverged: it waits, degraded, with what is live, until it is started again', async () => {
    const diverging = changed(() => ({
      update: () => Promise.reject(new EngineError('Invariant', 'LEARNER_DIVERGED', 'Training diverged.')),
    }));
    const { start, reward, artifacts, checkpoints, parts, launches, arms } = world(diverging);
    const actor = start(1);
    await until(() => checkpoints.saved.length === 1);
    reward(1, 2);
    await until(() => actor.status().mode === 'degraded');
    reward(1, 8);
    // Many times the longest pause before a restart.
    await new Promise((resolve) => setTimeout(resolve, 20 * settings.restartMaxMs));
    expect(launches()).toBe(1);
    expect(actor.status()).toMatchObject({ mode: 'degraded', failures: 1, version: 1, position: 0 });
    expect(actor.status().reason).toMatch(/^LEARNER_DIVERGED: Training diverged\. It learns no more until/);
    expect([artifacts.published.length, checkpoints.saved.length]).toEqual([1, 1]);
    await actor.stop();
    parts.plugin = plain;
    const again = start(2);
    await until(() => artifacts.published.at(-1)!.lineage.sequence === 10);
    expect(arms()).toEqual({ a: [11, 1] });
    await until(() => again.status().mode === 'learning');
    expect(again.status()).toMatchObject({ failures: 0, reason: null });
  });

  it('neither publishes nor checkpoints a NaN', async () => {
    const { start, reward, artifacts, checkpoints } = world(
      changed((learner) => ({
        exportPolicy: () => {
          const { family, parameters } = learner.exportPolicy();
          const { arms } = parameters as { arms: Record<string, number[]> };
          if (arms['a']) arms['a'][0] = Number.NaN;
          return { family, parameters };
        },
      })),
    );
    const actor = start(1);
    await until(() => artifacts.published.length === 1 && checkpoints.saved.length === 1);
    reward(1);
    await until(() => actor.status().failures >= 2);
    expect(actor.status().reason).toContain('ARTIFACT_NOT_FINITE');
    expect(artifacts.published).toHaveLength(1);
    expect(checkpoints.saved).toHaveLength(1);
  });

  it('cannot publish once a later owner has', async () => {
    const { start, reward, artifacts } = world();
    const old = start(1);
    await until(() => artifacts.published.length === 1);
    const successor = start(2);
    await until(() => successor.status().mode === 'learning');
    // Either may publish this; the old owner alone is refused from then on.
    reward(1);
    await until(() => artifacts.published.at(-1)!.lineage.sequence === 1);
    reward(0);
    await until(() => old.status().reason?.includes('STALE_EPOCH') === true);
    await until(() => successor.status().position === 2 && successor.status().stalenessMs === 0);
    expect(artifacts.published.at(-1)!.parameters).toMatchObject({ arms: { a: [2, 2] } });
  });
});
