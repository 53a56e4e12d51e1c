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
import { systemClock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import { betaThompson } from '../../learners/beta-thompson/learner.js';
import { anyPlugin } from '../../learners/learner.js';
import type { GateSettings } from '../../learners/promotion/index.js';
import { HeldOutSplit } from '../../learners/promotion/holdout.js';
import { encodedArtifact, sealArtifact } from '../../policies/artifact.js';
import { ThreadOpener } from '../artifacts/thread-opener.js';
import { LearnerActor } from './learner-actor.js';
import { learnerSettingsSchema } from './settings.js';

const settings = learnerSettingsSchema.parse({
  id: 'l',
  kind: 'beta-thompson',
  surface: SURFACE,
  policy: 'p',
  batchSize: 4,
  publishEvery: 10,
  publishMinMs: 1,
  restartMs: 1,
  restartMaxMs: 4,
  gate: { holdout: 0.5, decisionsMin: 20, decisionsMax: 200, patience: 60, effectiveMin: 10, weightMax: 4 },
});
const actors: LearnerActor[] = [];
afterEach(() => Promise.all(actors.splice(0).map((actor) => actor.stop())));

function world(anchor: GateSettings['anchor'] = 'first') {
  const stream = new MemoryStream();
  const artifacts = new MemoryArtifactStore();
  const checkpoints = new MemoryCheckpointStore();
  const verdicts = new MemoryVerdictStore();
  const chain = new Chainer();
  let count = 0;
  return {
    artifacts,
    checkpoints,
    verdicts,
    start(epoch: number): LearnerActor {
      const actor = new LearnerActor({ ...settings, gate: { ...settings.gate!, anchor } }, epoch, {
        source: stream,
        artifacts,
        checkpoints,
        verdicts,
        opener: new ThreadOpener({ surfaces: [], clock: systemClock }),
        clock: systemClock,
        launch: () => new InlineTrainer(anyPlugin(betaThompson)),
      });
      actor.start();
      actors.push(actor);
      return actor;
    },
    /** What two arms earn that are shown in turn: a what `a` says, b nothing. */
    show(decisions: number, a: number): void {
      if (count > 4000) throw new Error('nothing came of it');
      for (let n = 0; n < decisions; n++) {
        const id = count % 2 === 0 ? 'a' : 'b';
        const slate = [{ id, propensity: 0.5 }];
        const reward = id === 'a' ? a : 0.5;
        const log = { slate, eligible: ['a', 'b'], distribution: [0.5, 0.5], reward, rewardedId: id };
        stream.push(chain.message(experience({ decisionId: `d${count++}`, ...log })));
      }
    },
  };
}

describe('a learner with a gate', () => {
  it('publishes the prior, keeps what it learns on trial, and makes it live once it is shown better', async () => {
    const { start, show, artifacts, verdicts } = world();
    const actor = start(1);
    await until(() => actor.status().mode === 'learning');
    show(40, 1);
    await until(() => actor.status().gate?.alias.challenger === 2);
    expect(artifacts.published).toHaveLength(1);
    expect(actor.status()).toMatchObject({
      version: 1,
      publishing: { publish: false, code: 'on-trial' },
      gate: { alias: { champion: 1, challenger: 2, anchor: 1 }, candidates: 1, current: { outcome: 'undecided' } },
    });
    await until(() => {
      show(20, 1);
      return artifacts.published.length === 2;
    });
    await until(() => actor.status().gate?.settled?.version === 2);
    expect(artifacts.published.at(-1)!.policy.version).toBe(2);
    expect(verdicts.recorded[0]).toMatchObject({ outcome: 'promoted', reason: 'better', version: 2, candidate: 1 });
    expect(actor.status()).toMatchObject({ version: 2, gate: { alias: { champion: 2, anchor: 1 } } });
  });

  it('whose policy an operator holds keeps what was shown better as a candidate, and what is live as the champion', async () => {
    const { start, show, artifacts, verdicts } = world();
    const actor = start(1);
    await until(() => actor.status().mode === 'learning');
    artifacts.held = { by: 'ada', why: 'accepts fell', atMs: 1 };
    await until(() => {
      show(20, 1);
      return actor.status().gate?.settled?.outcome === 'promoted';
    });
    await until(() => actor.status().gate?.alias.champion === 1);
    expect(artifacts.published).toHaveLength(1);
    expect(artifacts.candidates[0]!.policy.version).toBe(verdicts.recorded[0]!.version);
    expect(actor.status()).toMatchObject({ version: 1, failures: 0 });
  });

  it('never learns from a held-out decision', async () => {
    const { start, show } = world();
    const actor = start(1);
    show(40, 1);
    await until(() => actor.status().position === 40);
    const split = new HeldOutSplit('l', 0.5);
    const held = Array.from({ length: 40 }, (_, n) => `d${n}`).filter((id) => split.has(id)).length;
    expect(held).toBeGreaterThan(0);
    expect(actor.status()).toMatchObject({ experiences: 40, learned: 40 - held, gate: { heldOut: held } });
  });

  it('drops what is not shown better, with a verdict, and tries what was learned since', async () => {
    const { start, show, artifacts, verdicts } = world();
    const actor = start(1);
    await until(() => {
      show(20, 0.5);
      return (actor.status().gate?.candidates ?? 0) >= 2;
    });
    expect(verdicts.recorded[0]).toMatchObject({ outcome: 'rejected', candidate: 1, version: 2 });
    expect(artifacts.published).toHaveLength(1);
    expect(actor.status().gate!.alias.challenger).toBe(3);
  });

  it.each(['publish', 'record', 'checkpoint'] as const)(
    'cut off by a failure of its %s at the promotion, it reaches the same verdict again and promotes once',
    async (where) => {
      const { start, show, artifacts, verdicts, checkpoints } = world();
      const actor = start(1);
      show(40, 1);
      await until(() => actor.status().gate?.alias.challenger === 2);
      let failures = 0;
      const unwell = new EngineError('Dependency', 'NATS_UNREACHABLE', 'gone');
      const publish = artifacts.publish.bind(artifacts);
      artifacts.publish = async (artifact, epoch) => {
        if (where === 'publish' && failures++ === 0) throw unwell;
        return await publish(artifact, epoch);
      };
      const record = verdicts.record.bind(verdicts);
      const told: number[] = [];
      verdicts.record = async (verdict) => {
        if (verdict.candidate === 1) told.push(verdict.decisions);
        if (where === 'record' && failures++ === 0) throw unwell;
        await record(verdict);
      };
      const save = checkpoints.save.bind(checkpoints);
      checkpoints.save = async (id, bytes, epoch) => {
        if (where === 'checkpoint' && artifacts.published.length === 2 && failures++ === 0) throw unwell;
        await save(id, bytes, epoch);
      };
      await until(() => {
        show(8, 1);
        const { mode, gate } = actor.status();
        return told.length === 2 && mode === 'learning' && gate?.settled?.candidate === 1;
      });
      expect(failures).toBeGreaterThan(0);
      expect(actor.status().version).toBeGreaterThanOrEqual(2);
      expect(artifacts.published.filter(({ policy }) => policy.version === 2)).toHaveLength(1);
      expect(new Set(told).size).toBe(1);
    },
  );

  it('rejects its challenger when somebody else has made another version live', async () => {
    const { start, show, artifacts, verdicts } = world();
    const first = start(1);
    show(40, 1);
    await until(() => first.status().gate?.alias.challenger === 2);
    await first.stop();
    const { checksum: _, ...prior } = artifacts.published[0]!;
    await artifacts.publish(encodedArtifact(sealArtifact({ ...prior, policy: { id: 'p', version: 9 } })), 1);
    const second = start(2);
    await until(() => second.status().gate?.settled?.reason === 'live-changed');
    expect(verdicts.recorded).toMatchObject([{ candidate: 1, outcome: 'rejected', reason: 'live-changed' }]);
    expect(second.status()).toMatchObject({ version: 9, gate: { alias: { champion: 9, anchor: 1 } } });
  });

  it('goes by the anchor that is configured once that is stored, and until then keeps what is live and says why', async () => {
    const { start, show, artifacts } = world({ policy: 'elsewhere', version: 3 });
    const actor = start(1);
    await until(() => actor.status().mode === 'learning');
    show(40, 1);
    await until(() => actor.status().failures > 0);
    expect(actor.status()).toMatchObject({
      reason: expect.stringMatching(/^ARTIFACT_MISSING: Version 3 of elsewhere/),
    });
    expect(artifacts.published).toHaveLength(1);
    const { checksum: _, ...prior } = artifacts.published[0]!;
    await artifacts.publish(encodedArtifact(sealArtifact({ ...prior, policy: { id: 'elsewhere', version: 3 } })), 1);
    await until(() => {
      show(2, 1);
      return actor.status().gate?.alias.challenger === 2;
    });
    expect(actor.status().gate).toMatchObject({
      anchor: { id: 'elsewhere', version: 3 },
      alias: { champion: 1, anchor: 3 },
      current: { anchor: { policyId: 'elsewhere' }, live: { policyId: 'p' } },
    });
  });
});
