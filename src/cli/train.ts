/** `npm run train`: a learner plug-in on an environment, with its learning curve and the artifact it ends with. */
import { Command } from 'commander';
import { SingleBar } from 'cli-progress';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../kernel/clock.js';
import { EngineError } from '../kernel/errors.js';
import { BUILT_IN_KINDS } from '../learners/plugin-registry.js';
import { SEED_MAX, type TrainingProgress } from '../learners/training/training.js';
import { Interrupted, onInterrupt, runTool } from './interrupt.js';
import { EXIT, failureOf, numberFrom } from './outcome.js';
import { CURVE_WINDOW } from './train/curve.js';
import { reportText } from './train/report.js';
import { trainAndReport } from './train/run.js';
import { ENVIRONMENTS, LEARNER_VARIANTS, prepare } from './train/spec.js';

const STEPS_MAX = 1_000_000_000;
const PROGRESS_EVERY_MS = 100;

interface Options {
  readonly learner: string;
  readonly env: string;
  readonly steps?: number;
  readonly seed: number;
  readonly config?: string;
  readonly out?: string;
  readonly policy?: string;
  readonly episodes: number;
  readonly expect?: number;
  readonly json?: true;
  readonly quiet?: true;
}

const command = (): Command =>
  new Command('train')
    .description(
      'Trains a learner on an environment, from a seed: the same command gives the same policy. Writes artifact.json, ' +
        'curve.svg and report.json, and evaluates the artifact without exploring.',
    )
    .requiredOption(
      '--learner <learner>',
      `${[...BUILT_IN_KINDS, ...LEARNER_VARIANTS].join(', ')}, or where a plug-in is`,
    )
    .requiredOption('--env <env>', `${ENVIRONMENTS.join(', ')}, or a transition table (PATH.json)`)
    .option('--steps <n>', 'environment steps; by default what suits the two', numberFrom(1, STEPS_MAX))
    .option('--seed <n>', 'where all chance comes from', numberFrom(0, SEED_MAX), 1)
    .option('--config <file>', 'YAML or JSON: config (the learner’s own), bins, batch, refresh')
    .option('--out <dir>', 'folder for what is written; by default one under .attune/train')
    .option('--policy <id>', 'id of the policy in the artifact; by default learner and environment')
    .option('--episodes <n>', 'episodes of the evaluation', numberFrom(1, 1_000_000), 100)
    .option(
      '--expect <return>',
      'exit with 1 unless the evaluation’s mean return is at least this',
      numberFrom(-1e12, 1e12, false),
    )
    .option('--json', 'print the report as JSON')
    .option('--quiet', 'no progress')
    .addHelpText(
      'after',
      '\nExit codes: 0 done; 1 the evaluation stayed below --expect; 2 wrong arguments or input; 3 the training failed; ' +
        '130 interrupted, nothing written.',
    )
    .exitOverride();

/** Gives the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const interrupt = onInterrupt();
  let progress: Progress | undefined;
  try {
    const options = command().parse(argv, { from: 'user' }).opts<Options>();
    const { learner, out, policy } = options;
    const prepared = await prepare(options);
    const name = `${prepared.spec.plugin.kind === learner ? learner : nameOf(learner)}-${prepared.spec.environment.id}`;
    progress = progressOf(options, prepared.spec.steps);
    const report = await interrupt.during(
      trainAndReport(prepared, {
        learner,
        policyId: policy ?? name.slice(0, 128),
        evaluationEpisodes: options.episodes,
        out: out ?? join('.attune', 'train', nameOf(`${name}-${options.seed}`)),
        signal: interrupt.signal,
        clock: systemClock,
        onProgress: progress.show,
      }),
    );
    progress.stop();
    process.stdout.write(options.json ? `${JSON.stringify(report, undefined, 2)}\n` : reportText(report));
    return options.expect !== undefined && report.evaluation.mean < options.expect ? EXIT.mismatch : EXIT.ok;
  } catch (error) {
    progress?.stop();
    if (error instanceof Interrupted) return EXIT.interrupted;
    const exitCode = failureOf('train', error, (line) => process.stderr.write(`${line}\n`));
    return isWrongInput(error) ? EXIT.usage : exitCode;
  } finally {
    interrupt.release();
  }
}

/** The learner, its configuration or the environment named does not exist or is wrong: not the engine's fault. */
const isWrongInput = (error: unknown): boolean =>
  error instanceof EngineError && (error.family === 'Configuration' || error.family === 'NotFound');

/** For a file's name. */
const nameOf = (text: string): string => text.replaceAll(/[^\w.-]+/g, '-').replaceAll(/^[-.]+/g, '');

interface Progress {
  readonly show: (progress: TrainingProgress) => void;
  readonly stop: () => void;
}

function progressOf({ quiet }: Options, total: number): Progress {
  if (quiet || !process.stderr.isTTY) return { show: () => undefined, stop: () => undefined };
  const bar = new SingleBar({
    stream: process.stderr,
    format: `train {bar} {percentage} % | {value}/{total} steps | {episodes} episodes | last ${CURVE_WINDOW}: {mean} | {eta_formatted} left`,
    hideCursor: true,
  });
  bar.start(total, 0, { episodes: 0, mean: '–' });
  let shownMs = 0;
  return {
    show({ steps, episodes }) {
      const nowMs = systemClock.monotonicMs();
      if (nowMs - shownMs < PROGRESS_EVERY_MS && steps < total) return;
      shownMs = nowMs;
      const latest = episodes.slice(-CURVE_WINDOW);
      const mean = latest.reduce((sum, episode) => sum + episode.return, 0) / latest.length;
      bar.update(steps, { episodes: episodes.length, mean: latest.length === 0 ? '–' : mean.toFixed(1) });
    },
    stop: () => bar.stop(),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await runTool(main);
}
