/** The README's commands work as they are printed: every block is run here, or listed with the reason why it is not. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { builtMain, ROOT } from '../support/engine-build.js';
import { eventually } from '../support/eventually.js';

const run = promisify(execFile);
const BLOCKS = [...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/^```(sh|console)\n(.*?)^```$/gms)].map(
  ([, language, text]) => ({ language: language!, text: text!, commands: commandsOf(language!, text!) }),
);

/** What this suite does not run, by the beginning of the block's first command. */
const NOT_RUN: readonly (readonly [begins: string, reason: string])[] = [
  ['npm ci && npm run demo', 'installs from the internet; CI begins with the same'],
  ['npm run demo', 'test/e2e/demo.spec.ts runs it'],
  ['export NATS_URL=', 'needs the nats command, which npm does not bring; test/e2e/nats-apps.spec.ts says the same'],
  ['nats --user', 'needs the nats command, which npm does not bring; test/integration/embedded.spec.ts signs in so'],
  ['curl -s http://127.0.0.1:8080/v1/learners/my-pickup', 'is of a learner that has learned for minutes'],
  ['npx attune learner new', 'writes beside the repository; test/conformance/learners.spec.ts runs the template'],
  ['npm run train', 'test/integration/train.spec.ts runs it'],
  ['export DATABASE_URL=', 'needs psql, which npm does not bring; test/integration/export-experience.spec.ts runs it'],
  ['npm run replay', 'needs the trips of 2014; test/integration/replay.spec.ts runs it'],
];
/** Run by the tests below. */
const RUN = [
  'npm start',
  'curl -s http://127.0.0.1:8080/v1/',
  'npm run simulate',
  'export ATTUNE_NATS_URL=',
  'npm run nats:config',
];

/** The commands of a block; in a console's, whatever follows a `$ ` until its quotes are closed and its line does not go on. */
function commandsOf(language: string, text: string): string[] {
  if (language === 'sh') return [text.trim()];
  const commands: string[] = [];
  let open: string | undefined;
  for (const line of text.split('\n')) {
    if (open === undefined && !line.startsWith('$ ')) continue;
    open = open === undefined ? line.slice(2) : `${open}\n${line}`;
    if (open.endsWith('\\') || (open.match(/'/g) ?? []).length % 2 === 1) continue;
    commands.push(open);
    open = undefined;
  }
  return commands;
}

const isListed = (command: string): boolean => NOT_RUN.some(([begins]) => command.startsWith(begins));
const isRun = (command: string): boolean => RUN.some((begins) => command.startsWith(begins));

test('every block is run or listed, and nothing is listed that is not there', () => {
  const first = BLOCKS.map(({ commands }) => commands[0]!);
  expect(first.filter((command) => !isListed(command) && !isRun(command))).toEqual([]);
  for (const begins of [...NOT_RUN.map(([one]) => one), ...RUN])
    expect(first.filter((command) => command.startsWith(begins))).not.toEqual([]);
});

const blockOf = (begins: string): string =>
  BLOCKS.map(({ commands }) => commands[0]!).find((c) => c.startsWith(begins))!;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const folder = mkdtempSync(join(tmpdir(), 'attune-readme-'));
const groups: ChildProcess[] = [];

/** In a process group of its own, so that what it leaves in the background ends with it. */
function start(command: string, env: NodeJS.ProcessEnv): { readonly child: ChildProcess; readonly said: () => string } {
  const child = spawn('bash', ['-c', `${command}\nwait`], {
    cwd: ROOT,
    env: { ...environment(), ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  groups.push(child);
  let said = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  return { child, said: () => tell(said) };
}

/** What its processes say of themselves, without the dozens of lines in which all goes well. */
const tell = (said: string): string =>
  said
    .split('\n')
    .filter((line) => !/ \[INF\] |"message":"partition is served"/.test(line))
    .join('\n');

/** Without what the caller's shell says of an engine. */
const environment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^ATTUNE_|^DATABASE_URL$/.test(name)));

async function endGroup(child: ChildProcess): Promise<void> {
  const isThere = (): boolean => {
    try {
      process.kill(-child.pid!, 0);
      return true;
    } catch {
      return false;
    }
  };
  if (isThere()) process.kill(-child.pid!, 'SIGTERM');
  await eventually('all of it has ended', () => !isThere()).catch(() => void process.kill(-child.pid!, 'SIGKILL'));
}

const isUp = (url: string): Promise<boolean> =>
  fetch(`${url}/health/ready`).then(
    ({ status }) => status === 200,
    () => false,
  );

beforeAll(() => builtMain());
afterAll(async () => {
  await Promise.all(groups.map(endGroup));
  rmSync(folder, { recursive: true, force: true });
});

test('several processes on one nats-server', async () => {
  const [nats, http] = [await freePort(), await freePort()];
  cpSync(join(ROOT, 'config', 'nats'), join(folder, 'nats'), { recursive: true });
  const file = join(folder, 'nats', 'nats-server.conf');
  writeFileSync(file, readFileSync(file, 'utf8').replace('4222', `${nats}`));
  // Only places and ports differ from what is printed; nothing listens where its PostgreSQL would be.
  const command = blockOf('export ATTUNE_NATS_URL=')
    .replaceAll('4222', `${nats}`)
    .replace('config/nats/nats-server.conf', file)
    .replace('$PWD/.attune-nats', join(folder, 'store'))
    .replace(':5432/', ':1/');
  const { said } = start(command, { ATTUNE_HTTP_PORT: `${http}` });
  await eventually('the gateway is ready', () => isUp(`http://127.0.0.1:${http}`)).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${said()}`);
  });
  const { hosts } = (await (await fetch(`http://127.0.0.1:${http}/v1/status`)).json()) as {
    hosts: { partitions: unknown[] }[];
  };
  expect(hosts.flatMap(({ partitions }) => partitions).length).toBeGreaterThan(0);
});

test('writing the NATS configuration, which nats-server reads', async () => {
  const out = join(folder, 'written');
  await run('bash', ['-c', `${blockOf('npm run nats:config')} --out ${out}`], { cwd: ROOT, env: environment() });
  const passwords = { ENGINE: 'e', RIDER: 'r', DRIVER: 'd', SYS: 's' };
  const env = Object.fromEntries(Object.entries(passwords).map(([name, word]) => [`ATTUNE_${name}_PASSWORD`, word]));
  await run('nats-server', ['-t', '-c', join(out, 'nats-server.conf')], {
    env: { ...environment(), ...env, ATTUNE_NATS_STORE: out },
  });
});

test('the simulator', async () => {
  const command = blockOf('npm run simulate').replace('--seeds 200', '--seeds 2');
  const { stdout } = await run('bash', ['-c', command], { cwd: ROOT, env: environment() });
  expect(stdout).toContain('0 seeds failed');
});

describe('the service and its tour', () => {
  test('every curl is answered as it says', async () => {
    const port = await freePort();
    const { said } = start(blockOf('npm start'), {
      ATTUNE_HTTP_PORT: `${port}`,
      ATTUNE_STATE_DIR: join(folder, 'state'),
    });
    await eventually('the service is ready', () => isUp(`http://127.0.0.1:${port}`)).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${said()}`);
    });
    // Ids and tokens are put in as they were given.
    const given = new Map<string, string>();
    for (const { text, commands } of BLOCKS) {
      if (!commands[0]!.startsWith('curl') || isListed(commands[0]!)) continue;
      for (const command of commands) {
        let told = command.replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`);
        for (const [printed, real] of given) told = told.replaceAll(printed, real);
        const { stdout } = await run('bash', ['-c', told], { cwd: folder, env: environment() });
        const answer = JSON.parse(stdout) as Record<string, any>;
        expect({ command: told, code: answer['code'] }).toEqual({ command: told, code: undefined });
        const id = /"decisionId":"([0-9a-f]{32})\.user\.42"/.exec(text.slice(text.indexOf(command) + command.length));
        if (id && answer['decisionId']) given.set(id[1]!, String(answer['decisionId']).split('.')[0]!);
        const token = /"accepted":\[\{"id":"c1","token":"([^"]+)"/.exec(text);
        if (token) given.set(token[1]!, answer['accepted'][0].token as string);
      }
    }
    expect(given.size).toBe(3);
  });
});
