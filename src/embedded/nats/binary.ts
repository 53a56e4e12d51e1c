/** Finds nats-server, or brings it by the platform's own package manager. */
import { access, constants, mkdir, readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { EngineError } from '../../kernel/errors.js';
import { run } from '../processes.js';

export interface NatsBinary {
  readonly path: string;
  /** As in `[2, 9, 10]`. */
  readonly version: readonly [number, number, number];
}

/** The floor that Attune is tested with: Debian 12's. */
export const NATS_VERSION_MIN = [2, 9, 10] as const;

const USUAL_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/opt/homebrew/bin'];
const INSTALL_MS_MAX = 300_000;

export function parseVersion(text: string): NatsBinary['version'] | undefined {
  const match = /v?(\d+)\.(\d+)\.(\d+)/.exec(text);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : undefined;
}

export function isAtLeast(version: readonly number[], floor: readonly number[]): boolean {
  for (let i = 0; i < floor.length; i++) {
    const difference = (version[i] ?? 0) - floor[i]!;
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** A step that could bring nats-server here. */
interface Way {
  readonly what: string;
  readonly attempt: () => Promise<unknown>;
}

/**
 * Looks on PATH, in the usual folders and in `binDir` (what an earlier start brought), then tries the package
 * manager, saying each command before it runs. Rejects with Configuration `NATS_SERVER_MISSING`, listing the ways a
 * person has.
 */
export async function findNatsServer(
  binDir: string,
  say: (line: string) => void,
  env: NodeJS.ProcessEnv = process.env,
  usualFolders: readonly string[] = USUAL_FOLDERS,
): Promise<NatsBinary> {
  const folders = [...new Set([...(env.PATH ?? '').split(delimiter).filter((f) => f !== ''), ...usualFolders, binDir])];
  const passedOver: string[] = [];
  const search = async (): Promise<NatsBinary | undefined> => {
    for (const folder of [...folders, join(binDir, 'usr', 'sbin')]) {
      const found = await probe(join(folder, 'nats-server'));
      if (found && isAtLeast(found.version, NATS_VERSION_MIN)) return found;
      if (found) passedOver.push(`${found.path} is version ${found.version.join('.')}`);
    }
    return undefined;
  };
  const present = await search();
  if (present) return present;
  for (const way of await waysHere(binDir, env)) {
    say(`nats-server is not installed; running: ${way.what}`);
    try {
      await way.attempt();
      const brought = await search();
      if (brought) return brought;
      say('that brought no usable nats-server');
    } catch (error) {
      say(`that failed: ${firstLine(error)}`);
    }
  }
  throw missing(passedOver);
}

async function probe(path: string): Promise<NatsBinary | undefined> {
  if (!(await isExecutable(path))) return undefined;
  const shown = await run(path, ['--version']).catch(() => undefined);
  const version = shown && parseVersion(shown.stdout + shown.stderr);
  return version && { path, version };
}

const isExecutable = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

async function waysHere(binDir: string, env: NodeJS.ProcessEnv): Promise<Way[]> {
  const has = async (command: string): Promise<boolean> => {
    for (const folder of [...(env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/go/bin', '/opt/homebrew/bin'])
      if (folder !== '' && (await isExecutable(join(folder, command)))) return true;
    return false;
  };
  const path = [env.PATH, '/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/local/go/bin', '/opt/homebrew/bin']
    .filter(Boolean)
    .join(delimiter);
  const tool = (command: string, args: string[], more: NodeJS.ProcessEnv = {}, cwd = '/'): Promise<unknown> =>
    run(command, args, {
      cwd,
      timeout: INSTALL_MS_MAX,
      maxBuffer: 64 * 1024 * 1024,
      env: { ...env, PATH: path, ...more },
    });
  const ways: Way[] = [];
  if (await has('apt-get')) {
    ways.push(process.getuid?.() === 0 ? await aptInstall(tool) : aptUnpack(tool, binDir));
  }
  if (process.platform === 'darwin' && (await has('brew'))) {
    ways.push({ what: 'brew install nats-server', attempt: () => tool('brew', ['install', 'nats-server']) });
  }
  if (await has('go')) {
    const module = 'github.com/nats-io/nats-server/v2@latest';
    ways.push({ what: `GOBIN=${binDir} go install ${module}`, attempt: () => goInstall(tool, module, binDir) });
  }
  return ways;
}

type Tool = (command: string, args: string[], more?: NodeJS.ProcessEnv, cwd?: string) => Promise<unknown>;

async function goInstall(tool: Tool, module: string, binDir: string): Promise<void> {
  await mkdir(binDir, { recursive: true, mode: 0o700 });
  await tool('go', ['install', module], { GOBIN: binDir });
}

async function aptInstall(tool: Tool): Promise<Way> {
  const lists = await readdir('/var/lib/apt/lists').catch(() => []);
  const isUpdated = lists.some((name) => name.includes('_Packages'));
  const noninteractive = { DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['install', '-y', '--no-install-recommends', 'nats-server'];
  return {
    what: `${isUpdated ? '' : 'apt-get update && '}apt-get ${install.join(' ')}`,
    attempt: async () => {
      if (!isUpdated) await tool('apt-get', ['update'], noninteractive);
      await tool('apt-get', install, noninteractive);
    },
  };
}

/** Without root: the package is downloaded with package lists of our own and unpacked, not installed. */
function aptUnpack(tool: Tool, binDir: string): Way {
  const apt = join(binDir, 'apt');
  const options = [
    '-o',
    `Dir::State=${apt}/state`,
    '-o',
    'Dir::State::status=/var/lib/dpkg/status',
    '-o',
    `Dir::Cache=${apt}/cache`,
    '-o',
    'APT::Sandbox::User=',
  ];
  return {
    what: `apt-get update, apt-get download nats-server and dpkg-deb -x, into ${binDir}`,
    attempt: async () => {
      await mkdir(join(apt, 'state', 'lists', 'partial'), { recursive: true, mode: 0o700 });
      await mkdir(join(apt, 'cache', 'archives', 'partial'), { recursive: true });
      await tool('apt-get', [...options, 'update']);
      await tool('apt-get', [...options, 'download', 'nats-server'], {}, apt);
      const archive = (await readdir(apt)).find((name) => name.endsWith('.deb'));
      if (archive === undefined) throw new Error('apt-get downloaded nothing');
      await tool('dpkg-deb', ['-x', join(apt, archive), binDir]);
    },
  };
}

const firstLine = (error: unknown): string => {
  const { stderr, message } = error as { stderr?: string; message?: string };
  return (stderr?.trim().split('\n').at(-1) || message || String(error)).split('\n')[0]!;
};

function missing(passedOver: readonly string[]): EngineError {
  const old = passedOver.length === 0 ? '' : ` Too old: ${[...new Set(passedOver)].join(', ')}.`;
  return new EngineError(
    'Configuration',
    'NATS_SERVER_MISSING',
    `No nats-server ${NATS_VERSION_MIN.join('.')} or later was found, and none could be installed.${old} Any of these helps:
  - set ATTUNE_NATS_URL to a server with JetStream and the configuration in config/nats/
  - apt-get install nats-server        (Debian, Ubuntu; as root)
  - brew install nats-server           (macOS)
  - go install github.com/nats-io/nats-server/v2@latest
  - put a nats-server binary from https://github.com/nats-io/nats-server/releases on PATH`,
    { field: 'nats.url' },
  );
}
