/** What a training run tells: for machines as it is, for people in lines. */
import type { Evaluation } from '../../learners/training/evaluation.js';
import { CURVE_WINDOW } from './curve.js';

export interface TrainReport {
  readonly learner: string;
  readonly environment: string;
  readonly seed: number;
  readonly steps: number;
  readonly episodes: number;
  /** Experiences that changed the learner, and its mean loss over them; null where it learned from none. */
  readonly learned: number;
  readonly meanLoss: number | null;
  /** Mean return of the last episodes of the training, exploration included; null before the first one ended. */
  readonly trainingReturn: number | null;
  readonly seconds: number;
  readonly stepsPerSecond: number;
  /** The saved artifact's policy, played without exploring. */
  readonly evaluation: Evaluation;
  /** Where the transitions are known: the policy's exact expected return, and the most that can be had. */
  readonly exact: { readonly return: number; readonly optimum: number } | null;
  readonly artifact: {
    readonly path: string;
    readonly family: string;
    readonly checksum: string;
    readonly bytes: number;
  };
  readonly curve: string;
}

export function reportText(report: TrainReport): string {
  const { evaluation: played, exact } = report;
  const lines: [string, string][] = [
    ['learner', `${report.learner}, seed ${report.seed}`],
    ['environment', report.environment],
    ['trained', `${report.steps} steps, ${report.episodes} episodes, ${report.learned} experiences learned`],
    ['speed', `${Math.round(report.stepsPerSecond)} steps/s, ${report.seconds.toFixed(1)} s`],
    [`last ${CURVE_WINDOW} episodes`, `mean return ${shown(report.trainingReturn)}, exploring`],
    [
      'evaluation',
      `mean return ${shown(played.mean)} ± ${shown(played.sd)} (${shown(played.min)} to ${shown(played.max)}) over ${played.episodes} episodes`,
    ],
    ...(exact === null
      ? []
      : ([['exact', `${exact.return.toFixed(4)} of at most ${exact.optimum.toFixed(4)}`]] as [string, string][])),
    ['artifact', `${report.artifact.path} (${report.artifact.family}, ${report.artifact.bytes} bytes)`],
    ['curve', report.curve],
  ];
  return lines.map(([name, value]) => `${name.padEnd(18)}${value}\n`).join('');
}

const shown = (value: number | null): string => (value === null ? '–' : value.toFixed(2));
