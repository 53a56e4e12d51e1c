/** The service: configuration, embedded servers where none are given, the engine, and an orderly end on a signal. */
import { Command } from 'commander';
import { existsSync } from 'node:fs';
import { Interrupted, onInterrupt } from './cli/interrupt.js';
import { startEmbedded } from './embedded/embedded.js';
import { startEngine, type Engine } from './engine/engine.js';
import { loadDeclared, type Declared } from './engine/world.js';
import { EngineError } from './kernel/errors.js';
import { createLogger, type Logger } from './kernel/logger.js';

const NODE_MAJOR_MIN = 24;
const DEFAULT_FILE = 'config/default.yaml';

/** The service takes no arguments: who asks for help should not get a running engine. */
const command = (): Command =>
  new Command('attune')
    .description('Runs Attune: REST, OpenAPI at /docs, actors on NATS, learners. Ends in order on SIGTERM or Ctrl-C.')
    .addHelpText(
      'after',
      `
It is configured by ${DEFAULT_FILE}, the files that ATTUNE_CONFIG names, and the environment:
  ATTUNE_ROLE         all (default), gateway, host or learner
  ATTUNE_HTTP_PORT    8080
  ATTUNE_STATE_DIR    .attune: what the embedded nats-server and PostgreSQL keep
  ATTUNE_NATS_URL     a nats-server instead of the embedded one, with ATTUNE_NATS_USER and ATTUNE_NATS_PASSWORD
  DATABASE_URL        a PostgreSQL instead of the embedded one
  ATTUNE__section__key=value sets any field of ${DEFAULT_FILE}.
The log goes to standard error, a JSON object a line.

Exit codes: 0 ended in order; 1 it could not start or end in order; 2 wrong arguments; 78 wrong configuration.`,
    )
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));

async function main(): Promise<void> {
  command().parse();
  const major = Number(process.versions.node.split('.')[0]);
  if (major < NODE_MAJOR_MIN) {
    throw new EngineError(
      'Configuration',
      'NODE_TOO_OLD',
      `Attune runs on Node ${NODE_MAJOR_MIN}; this is ${process.versions.node}. Start it with npm start, which brings its own ` +
        '(installed by npm ci, unless --ignore-scripts was given).',
    );
  }
  const files = existsSync(DEFAULT_FILE) ? [DEFAULT_FILE] : [];
  const declared = await loadDeclared({ files, env: process.env }, Date.now());
  const { config } = declared;
  const log = createLogger(config.log.level);
  const { signal } = onInterrupt();
  const booted = boot(declared, log, signal);
  // Also while it is still starting: what has been started by then has to be stopped.
  const end = (name: string): void => {
    log.info('stopping', { signal: name });
    booted
      .then(({ stop }) => stop(), passInterruption)
      .then(() => process.exit(0))
      .catch((error: unknown) => {
        log.error('the end was not orderly', { error });
        process.exit(1);
      });
  };
  signal.addEventListener('abort', () => end((signal.reason as Interrupted).signal), { once: true });
  const running = await booted.catch(passInterruption);
  if (!running) return;
  const { engine } = running;
  log.info('ready', {
    role: config.role,
    host: engine.hostId,
    url: engine.url,
    docs: engine.url && `${engine.url}/docs`,
    nats: engine.nats(),
  });
}

/** A start that was interrupted while it waited has left nothing to stop. */
function passInterruption(error: unknown): void {
  if (!(error instanceof Interrupted)) throw error;
}

interface Booted {
  readonly engine: Engine;
  stop(): Promise<void>;
}

/** Rejects with nothing left running. */
async function boot(declared: Declared, log: Logger, signal: AbortSignal): Promise<Booted> {
  const { config } = declared;
  const { url, user, password } = config.nats;
  const embedded = await startEmbedded({
    stateDir: config.stateDir,
    partitions: config.cluster.partitions,
    apps: config.apps,
    isOpen: config.auth.apiKeys.length === 0,
    ...(url === undefined ? {} : { nats: { url, user, password } }),
    ...(config.database.url === undefined
      ? config.role === 'all'
        ? {}
        : { postgres: 'off' as const }
      : { postgres: { url: config.database.url } }),
    say: (line) => log.info(line),
  });
  try {
    const { nats, postgres } = embedded;
    const engine = await startEngine({ declared, nats, databaseUrl: postgres?.url, log, signal });
    return { engine, stop: () => engine.stop().then(() => embedded.stop()) };
  } catch (error) {
    await embedded.stop();
    throw error;
  }
}

main().catch((error: unknown) => {
  const known = EngineError.from(error);
  const text = known.code === 'INTERNAL' && error instanceof Error ? (error.stack ?? error.message) : known.message;
  process.stderr.write(`attune: ${known.code}: ${text}\n`);
  process.exit(known.family === 'Configuration' ? 78 : 1);
});
