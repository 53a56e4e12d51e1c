import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { Chainer, experience, SURFACE } from '../../../test/support/learning.js';
import { anyPlugin, type AnyLearnerPlugin, type LearnerPlugin } from '../../learners/learner.js';
import { openArtifact } from '../../policies/artifact.js';
import { decodeCheckpoint } from './checkpoint.js';
import { LearningSession } from './learning-session.js';
import type { ExperienceRecord, SessionSpec } from './trainer.js';

const signal = new AbortController().signal;
const spec: SessionSpec = {
  learner: 'l',
  kind: 'sum',
  surface: SURFACE,
  config: {},
  seed: 11,
  batchSize: 4,
  stream: { identity: 's' },
};

/** Adds up rewards, each with noise: whatever order, repetition or generator is wrong shows in the sum. */
const summing = (incremental: boolean, batches: number[] = []): AnyLearnerPlugin => {
  const plugin: LearnerPlugin<unknown, { sum: number }> = {
    kind: 'sum',
    incremental,
    configSchema: z.unknown(),
    stateSchema: z.strictObject({ sum: z.number() }),
    create: (_config, { random }, saved = { sum: 0 }) => {
      let { sum } = saved;
      return {
        update: (batch) => {
          batches.push(batch.length);
          for (const { reward } of batch) sum = sum * 0.9 + reward + random.next();
          return { learned: batch.length };
        },
        snapshot: () => ({ sum }),
        exportPolicy: () => ({
          family: 'q-table',
          parameters: { q: {}, initial: sum, exploration: { kind: 'epsilon-greedy', epsilon: 0 } },
        }),
      };
    },
  };
  return anyPlugin(plugin);
};

function stream(length: number): ExperienceRecord[] {
  const chains = [new Chainer(0), new Chainer(1)];
  return Array.from({ length }, (_, i) => {
    const surface = i % 5 === 3 ? 'other' : SURFACE;
    return { sequence: i + 1, ...chains[i % 2]!.message(experience({ reward: i, surface }), surface) };
  });
}

const sessionOf = (session: LearningSession) =>
  decodeCheckpoint(session.save({ epoch: 1, savedAtMs: 0, v: 2 })).session;

describe('a learning session', () => {
  it.each([true, false])('resumed at any place equals an uninterrupted one (incremental: %s)', async (incremental) => {
    const records = stream(42);
    const whole = new LearningSession(summing(incremental), spec, undefined);
    await whole.fold(records, true, signal);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 42 }), { maxLength: 5 }), fc.boolean(), async (stops, idle) => {
        let checkpoint: Uint8Array | undefined;
        let session = new LearningSession(summing(incremental), spec, undefined);
        for (const stop of [...stops, records.length]) {
          // What came after the checkpoint is read again.
          const from = session.progress.position;
          await session.fold(records.slice(from, Math.max(from, stop)), idle, signal);
          checkpoint = session.save({ epoch: 1, savedAtMs: 0, v: 2 });
          session = new LearningSession(summing(incremental), spec, checkpoint);
        }
        await session.fold(records.slice(session.progress.position), true, signal);
        expect(sessionOf(session)).toEqual(sessionOf(whole));
      }),
      { numRuns: 60, seed: 5 },
    );
  });

  it('cuts batches at multiples of the batch size, wherever deliveries begin and end', async () => {
    const batches: number[] = [];
    const session = new LearningSession(summing(false, batches), spec, undefined);
    const records = stream(14);
    await session.fold(records.slice(0, 3), true, signal);
    expect(session.progress.position).toBe(0);
    await session.fold(records.slice(3, 9), true, signal);
    expect(session.progress.position).toBe(8);
    await session.fold(records.slice(9), true, signal);
    expect(session.progress.position).toBe(12);
    expect(batches).toEqual([3, 4, 3]);
  });

  it('learns at once from what there is when idle, if the learner does not mind', async () => {
    const session = new LearningSession(summing(true), spec, undefined);
    await session.fold(stream(3), true, signal);
    expect(session.progress.position).toBe(3);
  });

  it('counts repeated, early and unreadable messages, and learns from none of them', async () => {
    const chain = new Chainer();
    const [a, b] = [chain.message(experience()), chain.message(experience())];
    const messages = [
      b,
      a,
      b,
      a,
      chain.message({ no: 'experience' }),
      { subject: a.subject, payload: Buffer.from('{') },
    ];
    const session = new LearningSession(summing(true), spec, undefined);
    await session.fold(
      messages.map((message, i) => ({ sequence: i + 1, ...message })),
      true,
      signal,
    );
    expect(session.progress.tally).toMatchObject({ experiences: 2, learned: 2, ahead: 1, past: 1, malformed: 2 });
  });

  it('joins a stream whose beginning is gone', async () => {
    const session = new LearningSession(summing(true), spec, undefined);
    await session.fold(stream(30).slice(20), true, signal);
    expect(session.progress.tally).toMatchObject({ experiences: 8, ahead: 0 });
  });

  it('goes on where messages were erased', async () => {
    const session = new LearningSession(summing(true), spec, undefined);
    const records = stream(12).filter(({ sequence }) => sequence !== 2 && sequence !== 7);
    await session.fold(records, true, signal);
    expect(session.progress.tally).toMatchObject({ experiences: 8, ahead: 0, past: 0 });
  });

  it('begins a recreated stream at its beginning', () => {
    const session = new LearningSession(summing(true), spec, undefined);
    const saved = session.save({ epoch: 1, savedAtMs: 0, v: 2 });
    const again = { ...spec, stream: { identity: 'other' } };
    expect(new LearningSession(summing(true), again, saved).progress.position).toBe(0);
  });

  it('refuses another learner’s checkpoint and a state that does not fit', () => {
    const saved = new LearningSession(summing(true), spec, undefined).save({ epoch: 1, savedAtMs: 0, v: 2 });
    expect(() => new LearningSession(summing(true), { ...spec, surface: 'other' }, saved)).toThrow(
      expect.objectContaining({ code: 'CHECKPOINT_FOREIGN' }),
    );
    const broken = Buffer.from(Buffer.from(saved).toString().replace('"sum":0', '"sum":"x"'));
    expect(() => new LearningSession(summing(true), spec, broken)).toThrow(
      expect.objectContaining({ code: 'CHECKPOINT_INVALID' }),
    );
  });

  it('neither exports nor saves what is not finite', async () => {
    const session = new LearningSession(summing(true), spec, undefined);
    const chain = new Chainer();
    const huge = Array.from({ length: 3 }, (_, i) => ({
      sequence: i + 1,
      ...chain.message(experience({ reward: 1.7e308 })),
    }));
    await session.fold(huge, true, signal);
    const meta = { policyId: 'p', version: 1, parent: undefined, createdAtMs: 0 };
    expect(() => session.exportArtifact(meta)).toThrow(expect.objectContaining({ code: 'ARTIFACT_NOT_FINITE' }));
    expect(() => session.save({ epoch: 1, savedAtMs: 0, v: 2 })).toThrow(
      expect.objectContaining({ code: 'LEARNER_STATE_NOT_FINITE' }),
    );
  });

  it('says in the artifact what it was made from', async () => {
    const session = new LearningSession(summing(true), spec, undefined);
    await session.fold(stream(10), true, signal);
    const artifact = openArtifact(
      session.exportArtifact({ policyId: 'p', version: 4, parent: 3, createdAtMs: 9 }).bytes,
    );
    expect(artifact.lineage).toEqual({ learner: 'l', parent: 3, experiences: 8, sequence: 10, createdAtMs: 9 });
  });

  it('exports nothing that no host could read', () => {
    const plain = summing(true);
    const odd: AnyLearnerPlugin = {
      ...plain,
      create: (...made) => ({ ...plain.create(...made), exportPolicy: () => ({ family: 'oracle', parameters: {} }) }),
    };
    const session = new LearningSession(odd, spec, undefined);
    expect(() => session.exportArtifact({ policyId: 'p', version: 1, parent: undefined, createdAtMs: 0 })).toThrow(
      expect.objectContaining({ code: 'ARTIFACT_FAMILY_UNKNOWN' }),
    );
  });
});
