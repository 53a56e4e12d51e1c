/** `npm run demo`: an engine, a small city that lives on it, and what can be seen of the learning. */
import { Command } from 'commander';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pino } from 'pino';
import { prepareStateDir } from '../embedded/state-dir.js';
import { systemClock } from '../kernel/clock.js';
import { createLogger } from '../kernel/logger.js';
import { City } from '../simulator/city.js';
import { ApiClient } from './api-client.js';
import { summary, type DemoReading } from './demo/dashboard.js';
import { runDemo } from './demo/run.js';
import { screenOn } from './demo/screen.js';
import { CITY_HOUR_MS, DEMO_LEARNERS, demoSettings, writeDemoSurfaces } from './demo/settings.js';
import { Interrupted, onInterrupt, runTool } from './interrupt.js';
import { startLocalEngine } from './local-engine.js';
import { EXIT, failureOf, numberFrom } from './outcome.js';

const PORT = 8080;
const CONSENT_SHARE = 0.9;
const H3_RESOLUTION = 8;
/** More failed decisions than this are no hiccup. */
const FAILED_SHARE_MAX = 0.01;

interface Options {
  readonly seconds?: number;
  readonly seed: number;
  readonly rate: number;
  readonly riders: number;
  readonly drivers: number;
  readonly stateDir: string;
  readonly json?: true;
}

const command = (): Command =>
  new Command('demo')
    .description(
      'Starts an engine with every role and servers of its own, lets a small city with known preferences live on it, and ' +
        'shows how fast it answers and how it learns. Ctrl-C stops all of it; the next start finds its data.',
    )
    .option('--seconds <n>', 'end after so long; otherwise Ctrl-C ends it', numberFrom(1, 86_400))
    .option('--seed <n>', 'the city', numberFrom(0, 2 ** 32), 1)
    .option('--rate <n>', 'decisions asked for a second', numberFrom(1, 10_000), 150)
    .option('--riders <n>', 'riders in the city', numberFrom(1, 100_000), 500)
    .option('--drivers <n>', 'drivers in the city', numberFrom(1, 10_000), 60)
    .option('--state-dir <dir>', 'where the engine keeps its data', process.env.ATTUNE_STATE_DIR || '.attune')
    .option('--json', 'print only the closing summary, as JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 it ran (also when Ctrl-C ended it); 1 more than 1 % of decisions failed, or a budget was overspent; ' +
        '2 wrong arguments; 3 the engine could not be started.',
    )
    .exitOverride();

/** Gives the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const interrupt = onInterrupt();
  try {
    const options = command().parse(argv, { from: 'user' }).opts<Options>();
    const reading = await demo(options, interrupt.signal);
    process.stdout.write(options.json ? `${JSON.stringify(reading, undefined, 2)}\n` : summary(reading));
    return isSound(reading) ? EXIT.ok : EXIT.mismatch;
  } catch (error) {
    // Ended before it had begun: there is nothing to sum up.
    if (error instanceof Interrupted) return EXIT.interrupted;
    return failureOf('demo', error, say);
  } finally {
    interrupt.release();
  }
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function demo(options: Options, interrupt: AbortSignal): Promise<DemoReading> {
  const { stateDir, seed, riders, drivers } = options;
  await mkdir(join(await prepareStateDir(stateDir), 'demo'), { recursive: true, mode: 0o700 });
  const surfaces = await writeDemoSurfaces(join(stateDir, 'demo', 'surfaces'));
  const logFile = join(stateDir, 'demo', 'log.jsonl');
  say(`starting the engine; its data is in ${stateDir}, its log in ${logFile}`);
  const engine = await startLocalEngine({
    stateDir,
    settings: demoSettings(surfaces, await portToUse()),
    logTo: () => createLogger('info', pino.destination({ dest: logFile, sync: false })),
    say,
  });
  try {
    interrupt.throwIfAborted();
    say(`listening on ${engine.url}, its documentation on ${engine.url}/docs, NATS on nats://${engine.nats()}`);
    return await runDemo({
      city: new City({ seed, riders, drivers, consentShare: CONSENT_SHARE, h3Resolution: H3_RESOLUTION }),
      api: new ApiClient(engine.url),
      nats: `nats://${engine.nats()}`,
      clock: systemClock,
      perSecond: options.rate,
      cityHourMs: CITY_HOUR_MS,
      learnerIds: DEMO_LEARNERS.map(({ id }) => id),
      source: `demo/${seed}/${Date.now().toString(36)}`,
      screen: options.json ? undefined : screenOn(process.stdout),
      say,
      signal: interrupt,
      seconds: options.seconds,
    });
  } finally {
    say('stopping');
    await engine.stop();
  }
}

const isSound = ({ decisions, failures, campaigns }: DemoReading): boolean =>
  failures <= (decisions + failures) * FAILED_SHARE_MAX &&
  campaigns.every(({ spentCents, budgetCents }) => spentCents <= budgetCents);

/** The usual port where it is free, else any; a port that was asked for is taken as it is. */
async function portToUse(): Promise<number> {
  const asked = process.env.ATTUNE_HTTP_PORT;
  if (asked) return Number(asked);
  return (await isFree(PORT)) ? PORT : 0;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await runTool(main);
}
