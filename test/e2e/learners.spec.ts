/** Learners that fail, in every way a plug-in can: the last good policy goes on answering, and status says why. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ROOT } from '../support/engine-build.js';
import {
  endEngineProcesses,
  spawnEngineProcess,
  startEngineProcess,
  temporaryStateDir,
  type EngineProcess,
} from '../support/engine-process.js';
import { eventually } from '../support/eventually.js';
import { startTestNats, type TestNats } from '../support/nats.js';
import { cloudEvent, consent, get, pickup, post } from '../support/rest.js';

const FAULTS = ['throw', 'hang', 'exit', 'nan', 'shape', 'huge', 'family', 'report', 'state'] as const;
const REASONS = {
  throw: 'wits’ end',
  hang: 'LEARNER_HUNG',
  exit: 'LEARNER_CRASHED',
  nan: 'ARTIFACT_NOT_FINITE',
  shape: 'POLICY_PARAMETERS',
  huge: 'ARTIFACT_TOO_LARGE',
  family: 'ARTIFACT_FAMILY_UNKNOWN',
  report: 'LEARNER_REPORT_INVALID',
  state: 'LEARNER_STATE_INVALID',
};
const PLUGIN = join(ROOT, 'test', 'support', 'faulty-learner.mjs');
const NO_DATABASE = 'postgresql://nobody@127.0.0.1:1/none';

let nats: TestNats;
let engine: EngineProcess;
let folder: string;

const settings = (learners: readonly unknown[]): Record<string, unknown> => ({
  'cluster.partitions': 2,
  'cluster.leaseTtlMs': 1500,
  surfacesDir: join(folder, 'surfaces'),
  policiesDir: join(folder, 'policies'),
  learners,
});

/** A surface like rider.pickup for each fault, whose decisions close after a second, and its policy. */
async function declare(): Promise<void> {
  for (const name of ['surfaces', 'policies']) {
    await mkdir(join(folder, name), { recursive: true });
    await cp(join(ROOT, 'config', name), join(folder, name), { recursive: true });
  }
  const surface = await readFile(join(ROOT, 'config/surfaces/rider.pickup.yaml'), 'utf8');
  const policy = await readFile(join(ROOT, 'config/policies/pickup-thompson.yaml'), 'utf8');
  for (const fault of FAULTS) {
    const declared = surface
      .replace('id: rider.pickup', `id: test.${fault}`)
      .replace('policy: pickup-thompson', `policy: policy-${fault}`)
      .replace(/windowMs: \d+/, 'windowMs: 1000')
      .replace(/validMs: \d+/, 'validMs: 1000');
    await writeFile(join(folder, 'surfaces', `test.${fault}.yaml`), declared);
    const declaredPolicy = policy.replace('id: pickup-thompson', `id: policy-${fault}`);
    await writeFile(join(folder, 'policies', `policy-${fault}.yaml`), declaredPolicy);
  }
}

beforeAll(async () => {
  folder = await temporaryStateDir();
  await declare();
  nats = await startTestNats({ partitions: 2 });
  const learners = FAULTS.map((fault) => ({
    id: `learner-${fault}`,
    kind: PLUGIN,
    surface: `test.${fault}`,
    policy: `policy-${fault}`,
    config: { fault },
    publishMinMs: 50,
    updateDeadlineMs: 1_000,
    restartMs: 50,
    restartMaxMs: 200,
  }));
  engine = await startEngineProcess({ nats: nats.engine, databaseUrl: NO_DATABASE, settings: settings(learners) });
});

afterAll(async () => {
  await endEngineProcesses();
  await nats.dispose();
});

const decide = (fault: string, user: string, candidates: readonly string[]) =>
  post(
    engine.url,
    '/v1/decisions',
    pickup(user, { surface: `test.${fault}`, candidates: candidates.map((id) => ({ id })), k: candidates.length }),
  );

const learner = async (fault: string) => (await get(engine.url, `/v1/learners/learner-${fault}`)).body;

test.each(FAULTS)('a learner that goes wrong by %s leaves the last good policy where it is', async (fault) => {
  const user = `user-${fault}`;
  await consent(engine.url, user);
  // First it does well: what it learns is published, and answers.
  const good = await decide(fault, user, ['door-a', 'door-b']);
  const { decisionId } = good.body;
  await post(
    engine.url,
    '/v1/events',
    cloudEvent({ id: 'a', type: 'accept', subject: `user/${user}`, data: { decisionId } }),
  );
  const version = await eventually('a policy that has learned something', async () => {
    const view = await learner(fault);
    return view.learned >= 1 && view.version >= 2 && view.mode === 'learning' ? (view.version as number) : undefined;
  });
  const policy = { id: `policy-${fault}`, version };
  await eventually('it answers', async () => (await decide(fault, user, ['door-a'])).body.policy.version >= version);

  await decide(fault, user, ['trouble', 'door-a']);
  const unwell = await eventually('the learner has failed, again and again', async () => {
    const view = await learner(fault);
    return view.failures >= 2 && view.reason?.includes(REASONS[fault]) ? view : undefined;
  });

  // Decisions are as before: personal, from the last good version, which no failure has touched.
  const lastGood = unwell.version as number;
  for (let i = 0; i < 20; i++) {
    const { status, body } = await decide(fault, user, ['door-a', 'door-b']);
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { personalized: true, degraded: [], fallbackReason: null, policy: { id: policy.id, version: lastGood } },
    });
    for (const { propensity } of body.slate) expect(propensity).toBeGreaterThan(0);
  }
  expect(await learner(fault)).toMatchObject({ version: lastGood, reason: expect.stringContaining(REASONS[fault]) });
  // A busy machine may not have an answer within its deadline.
  const [host] = await eventually('the status', async () => (await get(engine.url, '/v1/status')).body.hosts);
  expect(host.learners.find(({ id }: { id: string }) => id === `learner-${fault}`).reason).toContain(REASONS[fault]);
});

test('a learner whose plug-in or configuration is wrong stops the boot with every problem', async () => {
  const learners = [
    { id: 'lost', kind: '/nowhere/plug-in.mjs', surface: 'rider.pickup', policy: 'pickup-thompson' },
    { id: 'odd', kind: PLUGIN, surface: 'rider.pickup', policy: 'pickup-thompson', config: { fault: 'none' } },
  ];
  const failed = await spawnEngineProcess({
    nats: nats.engine,
    databaseUrl: NO_DATABASE,
    settings: settings(learners),
  });
  await expect(failed.ended).resolves.toEqual({ code: 78, signal: null });
  expect(failed.stderr()).toContain('CONFIG_INVALID');
  expect(failed.stderr()).toContain('/nowhere/plug-in.mjs');
  expect(failed.stderr()).toContain('config.fault');
});
