/** An engine of all roles in this process, with servers of its own where none are given: what the tools run on. */
import { existsSync } from 'node:fs';
import { startEmbedded } from '../embedded/embedded.js';
import { startEngine } from '../engine/engine.js';
import { loadDeclared } from '../engine/world.js';
import { EngineError } from '../kernel/errors.js';
import type { Logger, LogLevel } from '../kernel/logger.js';

const DEFAULT_FILE = 'config/default.yaml';
/** Variables of this repository's own tools, which the engine would refuse as unknown. */
const TOOL_VARIABLES = ['ATTUNE_DATA_DIR'];

export interface LocalEngineOptions {
  readonly stateDir: string;
  /** Fields laid over files and environment, by path: `fold.zone.halfLifeMs` → 15000. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly logTo: (level: LogLevel) => Logger;
  /** What a person should know while servers start. */
  readonly say: (line: string) => void;
}

export interface LocalEngine {
  /** Base URL of its REST API. */
  readonly url: string;
  /** The nats-server it is on, as `127.0.0.1:4222`. */
  nats(): string;
  readonly hostId: string;
  /** Stops the engine and the servers that were started for it. Idempotent. */
  stop(): Promise<void>;
}

/** Rejects with what loadDeclared, startEmbedded and startEngine reject with; nothing is left running then. */
export async function startLocalEngine(options: LocalEngineOptions): Promise<LocalEngine> {
  const { stateDir, settings, say } = options;
  const declared = await loadDeclared(
    { files: existsSync(DEFAULT_FILE) ? [DEFAULT_FILE] : [], env: environment(settings, stateDir) },
    Date.now(),
  );
  const { config } = declared;
  const log = options.logTo(config.log.level);
  const { url, user, password } = config.nats;
  const database = config.database.url;
  const embedded = await startEmbedded({
    stateDir: config.stateDir,
    partitions: config.cluster.partitions,
    apps: config.apps,
    isOpen: config.auth.apiKeys.length === 0,
    ...(url === undefined ? {} : { nats: { url, user, password } }),
    ...(database === undefined ? {} : { postgres: { url: database } }),
    say,
  });
  try {
    const engine = await startEngine({ declared, nats: embedded.nats, databaseUrl: embedded.postgres?.url, log });
    let stopped: Promise<void> | undefined;
    const stopAll = async (): Promise<void> => {
      try {
        await engine.stop();
      } finally {
        await embedded.stop();
      }
    };
    const stop = (): Promise<void> => (stopped ??= stopAll());
    if (engine.url !== undefined) return { url: engine.url, nats: engine.nats, hostId: engine.hostId, stop };
    await stop();
    throw new EngineError('Configuration', 'CONFIG_INVALID', 'role must be all: this tool needs every part.', {
      field: 'role',
    });
  } catch (error) {
    await embedded.stop();
    throw error;
  }
}

/** The process's environment with the tool's settings over it, as the configuration loader reads them. */
function environment(settings: Readonly<Record<string, unknown>>, stateDir: string): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, ATTUNE_STATE_DIR: stateDir };
  for (const name of TOOL_VARIABLES) delete env[name];
  for (const [field, value] of Object.entries(settings)) {
    env[`ATTUNE__${field.replaceAll('.', '__')}`] = JSON.stringify(value);
  }
  return env;
}
