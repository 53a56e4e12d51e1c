/** One training run: train, seal the artifact, play it, write it all down. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import { optimalReturn, returnOf } from '../../learners/environments/transition-table.js';
import { ActionSpace, chooseGreedily } from '../../learners/training/behaviour.js';
import { evaluateGreedily } from '../../learners/training/evaluation.js';
import { seedFor, train, type TrainingProgress, type TrainingResult } from '../../learners/training/training.js';
import { encodeArtifact, openArtifact, sealArtifact, type Artifact } from '../../policies/artifact.js';
import type { Policy } from '../../policies/policy.js';
import { policyOf } from '../../policies/registry/policy-of.js';
import { writeWhole } from '../output-file.js';
import { CURVE_WINDOW, curveSvg } from './curve.js';
import type { TrainReport } from './report.js';
import type { Prepared } from './spec.js';

export interface RunOptions {
  /** How the learner was asked for. */
  readonly learner: string;
  readonly policyId: string;
  readonly evaluationEpisodes: number;
  /** Folder for artifact.json, curve.svg and report.json; made if need be, written only when all is done. */
  readonly out: string;
  readonly signal: AbortSignal;
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  readonly onProgress: (progress: TrainingProgress) => void;
}

export async function trainAndReport(prepared: Prepared, options: RunOptions): Promise<TrainReport> {
  // Hours of training should not end at a folder that cannot be made.
  await makeFolder(options.out);
  const { spec } = prepared;
  const startedMs = options.clock.monotonicMs();
  const result = await train(spec, options.signal, options.onProgress);
  const seconds = (options.clock.monotonicMs() - startedMs) / 1000;
  const artifact = sealed(prepared, result, options);
  const bytes = encodeArtifact(artifact);
  // What is evaluated is what was saved, read as the engine reads it.
  const policy = policyOf(openArtifact(bytes), spec.families);
  const evaluation = await evaluateGreedily(
    policy,
    prepared.evaluated,
    spec.stateOf,
    options.evaluationEpisodes,
    seedFor(spec.seed, 'evaluation'),
    async () => {
      options.signal.throwIfAborted();
      await nextTurn();
    },
  );
  const paths = { artifact: join(options.out, 'artifact.json'), curve: join(options.out, 'curve.svg') };
  const latest = result.episodes.slice(-CURVE_WINDOW);
  const report: TrainReport = {
    learner: options.learner,
    environment: spec.environment.id,
    seed: spec.seed,
    steps: result.steps,
    episodes: result.episodes.length,
    learned: result.learned,
    meanLoss: result.learned === 0 ? null : result.lossSum / result.learned,
    trainingReturn:
      latest.length === 0 ? null : latest.reduce((sum, episode) => sum + episode.return, 0) / latest.length,
    seconds,
    stepsPerSecond: result.steps / seconds,
    evaluation,
    exact: exactly(prepared, policy),
    artifact: { path: paths.artifact, family: artifact.family, checksum: artifact.checksum, bytes: bytes.length },
    curve: paths.curve,
  };
  const title = `${options.learner} on ${spec.environment.id}, seed ${spec.seed}`;
  await write(paths.curve, await curveSvg(result.episodes, title));
  await write(join(options.out, 'report.json'), `${JSON.stringify(report, undefined, 2)}\n`);
  await write(paths.artifact, bytes);
  return report;
}

function sealed({ spec }: Prepared, { learner, learned, steps }: TrainingResult, options: RunOptions): Artifact {
  return sealArtifact({
    schema: 1,
    ...learner.exportPolicy(),
    policy: { id: options.policyId, version: 1 },
    lineage: { learner: spec.plugin.kind, experiences: learned, sequence: steps, createdAtMs: options.clock.nowMs() },
  });
}

function exactly({ table, spec }: Prepared, policy: Policy): TrainReport['exact'] {
  if (table === undefined) return null;
  const space = new ActionSpace(spec.environment.id, spec.environment.actions);
  const actionOf = (state: number): number => {
    const observation = Float64Array.of(state);
    const row = table.action_mask?.[state];
    const mask = row === undefined ? undefined : Uint8Array.from(row);
    return chooseGreedily(space, policy, { observation, state: spec.stateOf(observation), mask });
  };
  return { return: returnOf(table, actionOf), optimum: optimalReturn(table) };
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    throw new EngineError('InvalidRequest', 'TRAIN_OUT', `${path} cannot be made a folder.`, { field: 'out', cause });
  }
}

async function write(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await writeWhole(path, content);
  } catch (cause) {
    throw new EngineError('InvalidRequest', 'TRAIN_OUT', `${path} cannot be written.`, { field: 'out', cause });
  }
}
