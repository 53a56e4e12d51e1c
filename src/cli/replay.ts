/** `npm run replay`: real trips through the public event path, and how good the guidance was that came of them. */
import { Command, Option } from 'commander';
import { SingleBar } from 'cli-progress';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { removeState } from '../embedded/embedded.js';
import { systemClock } from '../kernel/clock.js';
import { createLogger } from '../kernel/logger.js';
import { SLATE_MAX } from '../messages/decisions.js';
import { ApiClient } from './api-client.js';
import { Interrupted, onInterrupt, runTool, type Interrupt } from './interrupt.js';
import { startLocalEngine } from './local-engine.js';
import { EXIT, failureOf, numberFrom } from './outcome.js';
import { speedFrom } from './replay/pace.js';
import { replayTrips } from './replay/replay.js';
import { reportText, type ReplayReport } from './replay/report.js';
import { readTrips, type TripsFile } from './replay/trips-file.js';

/** Trips are years old: their times are to be believed all the same. */
const PAST_MAX_MS = 100 * 365 * 86_400_000;

interface Options {
  readonly trips: string;
  readonly speed: number;
  readonly url?: string;
  readonly apiKey?: string;
  readonly surface: string;
  readonly k: readonly number[];
  readonly resolution: number;
  readonly stateDir?: string;
  readonly json?: true;
  readonly quiet?: true;
}

const listOfK = (text: string): number[] =>
  [...new Set(text.split(',').map(numberFrom(1, SLATE_MAX)))].sort((a, b) => a - b);

const command = (): Command =>
  new Command('replay')
    .description(
      'Sends every pickup of a trips file (CSV or gzipped CSV: Date/Time, Lat, Lon) through POST /v1/events, asks for ' +
        'guidance at every hour of the data, and reports: events accepted and folded, demand by zone against a plain ' +
        'recount of the file, and the share of real pickups that the guidance hit. It starts an engine of its own, unless ' +
        '--url names one; that one must believe old event times (fold.events.pastMaxMs).',
    )
    .requiredOption('--trips <file>', 'the trips')
    .addOption(
      new Option('--speed <speed>', 'max, or how many times faster than the data’s own clock, as in 60x')
        .argParser(speedFrom)
        .default(Infinity, 'max'),
    )
    .option('--url <url>', 'an engine that runs already, as in http://127.0.0.1:8080')
    .option('--api-key <key>', 'key for that engine, where it asks for one')
    .option('--surface <surface>', 'who is asked for guidance', 'driver.heatmap')
    .addOption(
      new Option('--k <list>', 'how many zones on top count, separated by commas')
        .argParser(listOfK)
        .default([5, 10, 20], '5,10,20'),
    )
    .option('--resolution <n>', 'H3 resolution of zones; must be the engine’s', numberFrom(0, 15), 8)
    .option('--state-dir <dir>', 'where the engine keeps its data; a temporary folder if left out')
    .option('--json', 'print the report as JSON')
    .option('--quiet', 'no progress')
    .addHelpText(
      'after',
      '\nExit codes: 0 all is equal; 1 demand by zone differs from the recount; 2 wrong arguments or input; 3 the engine ' +
        'could not do it; 130 interrupted.',
    )
    .exitOverride();

/** Gives the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const interrupt = onInterrupt();
  try {
    const options = command().parse(argv, { from: 'user' }).opts<Options>();
    const file = await interrupt.during(readTrips(options.trips));
    const report = await withEngine(options, interrupt, (url) =>
      interrupt.during(replay(new ApiClient(url, options.apiKey), file, options)),
    );
    process.stdout.write(options.json ? `${JSON.stringify(report, undefined, 2)}\n` : reportText(report));
    return report.zones.mismatches.length === 0 ? EXIT.ok : EXIT.mismatch;
  } catch (error) {
    if (error instanceof Interrupted) return EXIT.interrupted;
    return failureOf('replay', error, say);
  } finally {
    interrupt.release();
  }
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Starts an engine where none is given, and stops it whatever happens. A temporary folder goes with it. */
async function withEngine<T>(options: Options, interrupt: Interrupt, work: (url: string) => Promise<T>): Promise<T> {
  if (options.url !== undefined) return work(options.url);
  const temporary = options.stateDir === undefined;
  const stateDir = options.stateDir ?? (await mkdtemp(join(tmpdir(), 'attune-replay-')));
  const starting = startLocalEngine({
    stateDir,
    settings: {
      role: 'all',
      'http.host': '127.0.0.1',
      'http.port': 0,
      'log.level': 'error',
      'fold.h3Resolution': options.resolution,
      'fold.timeZone': 'UTC',
      'fold.events.pastMaxMs': PAST_MAX_MS,
      learners: [],
    },
    logTo: createLogger,
    say: options.quiet ? () => undefined : say,
  });
  try {
    const engine = await interrupt.during(starting);
    return await work(engine.url);
  } finally {
    // Also where the interrupt came while it was starting.
    await starting.then(
      (engine) => engine.stop(),
      () => undefined,
    );
    if (temporary) await removeState(stateDir);
  }
}

async function replay(api: ApiClient, file: TripsFile, options: Options): Promise<ReplayReport> {
  const bar = progressBar(options);
  bar?.start(file.trips.length, 0, { day: '' });
  try {
    return await replayTrips({
      file,
      api,
      surface: options.surface,
      ks: options.k,
      speed: options.speed,
      h3Resolution: options.resolution,
      clock: systemClock,
      progress: (sent, dataMs) => bar?.increment(sent, { day: new Date(dataMs).toISOString().slice(0, 13) }),
    });
  } finally {
    bar?.stop();
  }
}

function progressBar({ quiet }: Options): SingleBar | undefined {
  if (quiet || !process.stderr.isTTY) return undefined;
  return new SingleBar({
    stream: process.stderr,
    format: 'replay {bar} {percentage} % | {value}/{total} pickups | {day}h | {eta_formatted} left',
    hideCursor: true,
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await runTool(main);
}
