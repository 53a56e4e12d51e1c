/**
 * A learner in Python, as examples/python-learner has it, against a whole engine: it learns what riders accept, its versions
 * answer, and where it is killed the next one goes on. Needs Python 3 with venv, and nats-py from PyPI or from pip's cache.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ROOT } from '../support/engine-build.js';
import {
  endEngineProcesses,
  startEngineProcess,
  temporaryStateDir,
  type EngineProcess,
} from '../support/engine-process.js';
import { eventually } from '../support/eventually.js';
import { startTestNats, type TestNats } from '../support/nats.js';
import { cloudEvent, consent, get, pickup, post } from '../support/rest.js';

const run = promisify(execFile);
const EXAMPLE = join(ROOT, 'examples', 'python-learner');
const PIP_MS_MAX = 60_000;
const DOORS = ['door-a', 'door-b'].map((id) => ({ id, features: { distanceM: 10 } }));

/** Path of a Python that has nats-py; undefined where there is none to be had. */
async function pythonWithNats(folder: string): Promise<string | undefined> {
  const python = join(folder, 'bin', 'python');
  try {
    await run('python3', ['-m', 'venv', folder]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', 'requirements.txt'];
    await run(python, pip, { cwd: EXAMPLE, timeout: PIP_MS_MAX });
    return python;
  } catch (error) {
    process.stderr.write(`no Python with nats-py: ${String((error as { stderr?: string }).stderr ?? error)}\n`);
    return undefined;
  }
}

const venv = await mkdtemp(join(tmpdir(), 'attune-python-'));
const python = await pythonWithNats(venv);
const testWithPython = python === undefined ? test.skip : test;

let nats: TestNats;
let engine: EngineProcess;
const learners = new Set<ChildProcess>();

beforeAll(async () => {
  if (python === undefined) return;
  const folder = await temporaryStateDir();
  for (const name of ['surfaces', 'policies']) {
    await mkdir(join(folder, name), { recursive: true });
    await cp(join(ROOT, 'config', name), join(folder, name), { recursive: true });
  }
  // Decisions that close after a second, so that there is experience to learn from.
  const surface = await readFile(join(ROOT, 'config/surfaces/rider.pickup.yaml'), 'utf8');
  const quick = surface
    .replace(/windowMs: \d+/, 'windowMs: 1000')
    .replace(/validMs: \d+/, 'validMs: 1000')
    .replaceAll(/, withinMs: \d+/g, '');
  await writeFile(join(folder, 'surfaces', 'rider.pickup.yaml'), quick);
  nats = await startTestNats({ partitions: 2 });
  engine = await startEngineProcess({
    nats: nats.engine,
    databaseUrl: 'postgresql://nobody@127.0.0.1:1/none',
    settings: {
      'cluster.partitions': 2,
      'cluster.leaseTtlMs': 1500,
      surfacesDir: join(folder, 'surfaces'),
      policiesDir: join(folder, 'policies'),
      learners: [
        {
          id: 'pickup.python',
          kind: 'external',
          surface: 'rider.pickup',
          policy: 'pickup-thompson',
          config: { prior: [1, 1] },
        },
      ],
    },
  });
});

afterAll(async () => {
  for (const learner of learners) learner.kill('SIGKILL');
  await endEngineProcesses();
  await nats?.dispose();
  await rm(venv, { recursive: true, force: true });
});

interface PythonLearner {
  readonly said: () => string;
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
}

function startLearner(): PythonLearner {
  const args = ['learner.py', '--learner', 'pickup.python', '--nats', nats.url, '--user', nats.learner.user];
  const child = spawn(python!, [...args, '--password', nats.learner.pass], { cwd: EXAMPLE });
  learners.add(child);
  const ended = once(child, 'exit').then(([code]) => {
    learners.delete(child);
    return code as number | null;
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk) => (text += chunk));
  return {
    said: () => text,
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
}

const view = async (): Promise<any> => (await get(engine.url, '/v1/learners/pickup.python')).body;
const decide = async (user: string): Promise<any> =>
  (await post(engine.url, '/v1/decisions', pickup(user, { candidates: DOORS, k: 1 }))).body;

/** One decision, accepted if it is the door that riders like. */
async function ride(user: string, id: string): Promise<void> {
  const { decisionId, slate } = await decide(user);
  if (slate[0].id !== 'door-a') return;
  const event = cloudEvent({ id, type: 'accept', subject: `user/${user}`, data: { decisionId } });
  expect((await post(engine.url, '/v1/events', event)).status).toBe(202);
}

testWithPython(
  'where Python has nats-py: a learner learns, publishes, is killed, and another process goes on where it stopped',
  async () => {
    const first = startLearner();
    await eventually('it has claimed its lease', () => first.said().includes('claimed epoch'));
    const users = ['ann', 'bob'];
    for (const user of users) await consent(engine.url, user);
    for (let i = 0; i < 10; i++) for (const user of users) await ride(user, `first-${i}`);
    const learned = await eventually('everything is learned and published', async () => {
      const status = await view();
      return status.learned >= 20 && status.version >= 1 ? status : undefined;
    });
    expect(learned).toMatchObject({ kind: 'external', mode: 'learning', reason: null });
    const answer = await eventually('its version answers', async () => {
      const body = await decide('ann');
      return body.policy.version >= learned.version ? body : undefined;
    });
    expect(answer).toMatchObject({ policy: { id: 'pickup-thompson' }, fallbackReason: null, degraded: [] });

    // Killed, it leaves the engine with its last good policy; somebody else takes over once the lease has run out.
    await first.end('SIGKILL');
    const second = startLearner();
    await eventually('the next one has the lease', () =>
      /claimed epoch \d+ for rider.pickup, (\d+) exp/.test(second.said()),
    );
    const resumed = Number(/, (\d+) experiences so far/.exec(second.said())![1]);
    expect(resumed).toBeGreaterThanOrEqual(20);
    for (let i = 0; i < 5; i++) for (const user of users) await ride(user, `second-${i}`);
    const after = await eventually('the new process has learned on', async () => {
      const status = await view();
      return status.learned >= 30 && status.epoch > learned.epoch ? status : undefined;
    });
    // Each decision counts once, whoever learned it: all decisions of the surface so far, and no more.
    expect(after.learned).toBeLessThanOrEqual(users.length * 15 + 50);
    expect(await second.end('SIGTERM')).toBe(0);
    expect(second.said()).toContain('stopped');
    await eventually('nobody holds it', async () => (await view()).mode === 'standby');
  },
);

testWithPython(
  'where Python has nats-py: the checksums of docs/artifact-checksums.json are computed there too',
  async () => {
    const { stdout } = await run(python!, ['canonical.py', join(ROOT, 'docs', 'artifact-checksums.json')], {
      cwd: EXAMPLE,
    });
    expect(stdout).toMatch(/^\d+ values and \d+ artifacts agree\n$/);
  },
);
