/** `npm run evaluate`: what a policy would have been worth, estimated from a log of another one. */
import { SingleBar } from 'cli-progress';
import { Command, InvalidArgumentError, Option } from 'commander';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EngineError, invalidRequest } from '../kernel/errors.js';
import { evaluateLog } from '../learners/evaluation/evaluate.js';
import { COMBINES, type Combine } from '../messages/rewards.js';
import { UNDECLARED_RANGE, type RewardRange } from '../learners/evaluation/logged.js';
import type { RewardModelChoice } from '../learners/evaluation/reward-model/cross-fit.js';
import type { IntervalMethod } from '../learners/evaluation/bootstrap.js';
import { chartSvg } from './evaluate/chart.js';
import { convertLog } from './evaluate/convert.js';
import {
  badReasons,
  emptyReport,
  LOG_FORMATS,
  readLog,
  unreadShare,
  type LogFile,
  type LogFormat,
  type LogReport,
} from './evaluate/read-log.js';
import { reportText, type EvaluateReport } from './evaluate/report.js';
import { targetFrom } from './evaluate/target-from.js';
import { Interrupted, onInterrupt, runTool, type Interrupt } from './interrupt.js';
import { writeWhole } from './output-file.js';
import { EXIT, failureOf, numberFrom } from './outcome.js';

/** Rewards of Open Bandit logs are clicks. */
const CLICKS: RewardRange = { min: 0, max: 1 };

interface Options {
  readonly log: string;
  readonly format: LogFormat;
  readonly policy?: string;
  readonly floor: number;
  readonly position?: number;
  readonly rewardRange?: RewardRange;
  readonly combine?: Combine;
  readonly clip: number;
  readonly level: number;
  readonly interval: IntervalMethod;
  readonly resamples: number;
  readonly rewardModel: RewardModelChoice;
  readonly folds: number;
  readonly seed: number;
  readonly plot?: string;
  readonly convert?: string;
  readonly json?: true;
  readonly quiet?: true;
}

function rangeFrom(text: string): RewardRange {
  const parts = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  const [min, max] = parts;
  if (parts.length === 2 && Number.isFinite(min) && Number.isFinite(max) && max! > min!)
    return { min: min!, max: max! };
  throw new InvalidArgumentError('It must be two numbers, the smaller first, as in -1,1.');
}

const command = (): Command =>
  new Command('evaluate')
    .description(
      'Estimates what a policy would have been worth from a log of decisions that another policy made, by all estimators ' +
        'side by side, each with an interval, and says where the log does not carry an estimate. docs/evaluation.md says ' +
        'how to read the table.',
    )
    .requiredOption('--log <file>', 'the log, gzipped or not')
    .addOption(new Option('--format <format>', 'of the log').choices(LOG_FORMATS).makeOptionMandatory())
    .option('--policy <policy>', 'uniform, logged, frequencies:LOG, or the path of an artifact')
    .option(
      '--floor <share>',
      'exploration floor that the artifact’s policy is mixed with',
      numberFrom(0, 0.999, false),
      0,
    )
    .addOption(
      new Option(
        '--combine <rule>',
        'of attune: the surface’s reward.combine; told from each line where left out',
      ).choices(COMBINES),
    )
    .option('--position <n>', 'only choices at this position, from 1', numberFrom(1, 1000))
    .addOption(
      new Option(
        '--reward-range <a,b>',
        'bounds of the reward of a decision; needed where rewards are negative',
      ).argParser(rangeFrom),
    )
    .option(
      '--clip <w>',
      'largest weight of clipped IPS and of the anytime-valid interval',
      numberFrom(1, 1e9, false),
      20,
    )
    .option('--level <p>', 'of the intervals', numberFrom(0.5, 0.9999, false), 0.95)
    .addOption(new Option('--interval <method>', 'bootstrap').choices(['bca', 'percentile']).default('bca'))
    .option('--resamples <n>', 'of the bootstrap', numberFrom(50, 100_000), 1000)
    .addOption(
      new Option(
        '--reward-model <model>',
        'of DM, DR and their kin: auto is logistic for rewards of 0 and 1, else ridge',
      )
        .choices(['auto', 'ridge', 'logistic', 'none'])
        .default('auto'),
    )
    .option('--folds <n>', 'parts for cross-fitting the reward model', numberFrom(2, 20), 3)
    .option('--seed <n>', 'of folds and resamples', numberFrom(0), 1)
    .option('--plot <file>', 'write a chart as SVG')
    .option('--convert <file>', 'write the log as dsjson; alone, or besides an evaluation')
    .option('--json', 'print the report as JSON')
    .option('--quiet', 'no progress')
    .addHelpText(
      'after',
      '\nExit codes: 0 there is an estimate, and no line was bad; 1 every estimate was refused, or lines were bad; 2 wrong ' +
        'arguments or input; 130 interrupted.',
    )
    .exitOverride();

/** Gives the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const interrupt = onInterrupt();
  try {
    const options = command().parse(argv, { from: 'user' }).opts<Options>();
    const file: LogFile = {
      path: options.log,
      format: options.format,
      range: options.rewardRange ?? (options.format === 'obd' ? CLICKS : UNDECLARED_RANGE),
      ...(options.combine === undefined ? {} : { combine: options.combine }),
    };
    if (options.combine !== undefined && options.format !== 'attune')
      throw invalidRequest('EVALUATE_OPTION', '--combine is for logs of the format attune.', 'combine');
    if (options.policy === undefined && options.convert === undefined)
      throw invalidRequest(
        'EVALUATE_OPTION',
        '--policy is missing: uniform, logged, frequencies:LOG or an artifact.',
        'policy',
      );
    if (options.convert !== undefined) {
      const report = emptyReport();
      await interrupt.during(convertLog(file, options.convert, report));
      say(`${report.decisions} decisions written, ${report.badCount} bad lines`);
      if (options.policy === undefined) return report.badCount === 0 ? EXIT.ok : EXIT.mismatch;
    }
    const report = await evaluate(file, options, interrupt);
    if (options.plot !== undefined) await write(options.plot, await chartSvg(report));
    process.stdout.write(options.json ? `${JSON.stringify(report, undefined, 2)}\n` : reportText(report));
    const any = report.estimates.some(({ estimate }) => estimate !== null);
    return any && report.log.badCount === 0 ? EXIT.ok : EXIT.mismatch;
  } catch (error) {
    if (error instanceof Interrupted) return EXIT.interrupted;
    return failureOf('evaluate', error, say);
  } finally {
    interrupt.release();
  }
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function evaluate(file: LogFile, options: Options, interrupt: Interrupt): Promise<EvaluateReport> {
  const target = await interrupt.during(targetFrom(options.policy!, file, options.floor));
  const bar = await progressBar(file, options);
  let log: LogReport | undefined;
  // The first reading is the one that is reported; the second sees the same lines.
  const read = (): ReturnType<typeof readLog> =>
    abortable(
      readLog(file, log === undefined ? (log = emptyReport()) : undefined, (bytes) => bar?.increment(bytes)),
      interrupt,
    );
  try {
    const evaluation = await evaluateLog(read, {
      target,
      ...(options.position === undefined ? {} : { position: options.position - 1 }),
      model: options.rewardModel,
      folds: options.folds,
      seed: options.seed,
      clip: options.clip,
      level: options.level,
      method: options.interval,
      resamples: options.resamples,
      range: file.range,
      bad: () => unreadShare(log!),
    });
    return { log: { name: basename(file.path), format: file.format, ...log! }, ...evaluation };
  } catch (error) {
    // An empty log is one of which nothing could be read, more often than one without lines.
    if (!(error instanceof EngineError) || error.code !== 'LOG_EMPTY' || log === undefined) throw error;
    const skipped = Object.entries(log.skipped).map(([reason, count]) => `${count} ${reason}`);
    const why = [`${log.lines} lines`, ...skipped, `${log.badCount} bad`].join(', ');
    const reasons = log.badCount === 0 ? '' : `; ${badReasons(log)}`;
    throw invalidRequest('LOG_EMPTY', `${error.message} (${why}${reasons})`, 'log');
  } finally {
    bar?.stop();
  }
}

/** Reads on until a signal comes. */
async function* abortable<T>(source: AsyncGenerator<T>, { signal }: Interrupt): AsyncGenerator<T> {
  for await (const value of source) {
    signal.throwIfAborted();
    yield value;
  }
}

async function write(path: string, text: string): Promise<void> {
  try {
    await writeWhole(path, text);
  } catch (error) {
    throw invalidRequest('PLOT_UNWRITABLE', `The chart cannot be written: ${(error as Error).message}`, 'plot');
  }
}

async function progressBar({ path }: LogFile, { quiet, rewardModel }: Options): Promise<SingleBar | undefined> {
  if (quiet || !process.stderr.isTTY) return undefined;
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  const bar = new SingleBar({
    stream: process.stderr,
    format: 'evaluate {bar} {percentage} % | {eta_formatted} left',
    hideCursor: true,
  });
  bar.start(size * (rewardModel === 'none' ? 1 : 2), 0);
  return bar;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await runTool(main);
}
