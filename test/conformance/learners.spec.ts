/** One suite for every learner: the built-in kinds pass it here, plug-ins of others by `npm run conformance`. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { scaffoldLearner } from '../../src/cli/learner/scaffold.js';
import { CHECKS } from '../../src/learners/conformance/checks.js';
import { CONFORMANCE_DEFAULTS, runConformance } from '../../src/learners/conformance/suite.js';
import { BUILT_IN_KINDS, loadPlugin } from '../../src/learners/plugin-registry.js';
import { ROOT } from '../support/engine-build.js';

const run = promisify(execFile);

/** What DQN cannot guess, and the size of the suite's world. */
const SMALL_DQN = {
  actions: ['a', 'b'],
  observation: { size: 2 },
  hidden: [16],
  warmup: 32,
  trainEvery: 16,
  exploration: { kind: 'epsilon-greedy', steps: 1000 },
  learningRate: { rate: 0.005 },
  batchSize: 32,
};

/** Weights of each arm's own, and weights that all share. */
const HYBRID = {
  arm: { terms: [{ kind: 'bias' }, { kind: 'number', from: 'context', name: 'hour', offset: 12, scale: 0.1 }] },
  shared: {
    terms: [
      { kind: 'number', from: 'candidate', name: 'x0' },
      { kind: 'number', from: 'candidate', name: 'x1' },
      { kind: 'identity', buckets: 4 },
    ],
  },
};

/** Configurations beside a kind's own defaults that are worth checking, and those of kinds that have no defaults. */
const CONFIGS: Readonly<Record<string, readonly unknown[]>> = {
  'beta-thompson': [{}, { forget: 0.01, censored: 'learn' }, { segments: {}, corrections: 'learn' }],
  'gaussian-thompson': [{}, { noise: { kind: 'known', variance: 0.2 }, segments: { max: 1, armsMax: 1 }, armsMax: 2 }],
  'epsilon-greedy': [{}, { forget: 0.01, forgetPer: 'experience', epsilon: { start: 1, min: 0.05, halfAt: 50 } }],
  ucb1: [{}, { exploration: 0.3, forget: 0.01, forgetPer: 'experience', segments: {} }],
  dqn: [
    SMALL_DQN,
    {
      ...SMALL_DQN,
      nStep: 3,
      dueling: true,
      prioritised: {},
      target: { kind: 'polyak', tau: 0.02 },
      exploration: { kind: 'softmax', temperature: 0.1 },
      backend: 'cpu',
    },
  ],
  'lin-ucb': [{}, { features: HYBRID }, { features: { shared: HYBRID.shared }, censored: 'learn', forget: 0.01 }],
  'lin-ts': [{}, { features: HYBRID, draws: 16 }, { features: { shared: HYBRID.shared }, forget: 0.01 }],
  'logistic-thompson': [
    {},
    { features: HYBRID, draws: 16, armsMax: 1 },
    { features: { shared: HYBRID.shared }, covariance: 'diagonal' },
  ],
  'q-learning': [
    {},
    { discount: 0, learningRate: { rate: 1, decay: 1 } },
    { discount: 0, double: true, exploration: { kind: 'softmax', temperature: 0.1 } },
  ],
};

const CASES = BUILT_IN_KINDS.flatMap((kind) => (CONFIGS[kind] ?? [{}]).map((config) => ({ kind, config })));

describe.each(CASES)('the built-in kind $kind with $config', ({ kind, config }) => {
  test.each(CHECKS)('$promise', async ({ run }) => {
    const { decisions } = CONFORMANCE_DEFAULTS;
    // A machine under load is no flaw of a learner.
    await run({ plugin: await loadPlugin(kind), config, decisions, abortGraceMs: 30_000 });
  });
});

describe('the suite', () => {
  const UNSOUND = join(import.meta.dirname, '..', 'support', 'unsound-learner.mjs');
  const failuresOf = async (flaw: string, only: string[], limitMs = 10_000): Promise<Record<string, string>> => {
    const options = { config: { flaw }, limitMs, abortGraceMs: 1_000, decisions: 512, only };
    const report = await runConformance({ learner: UNSOUND, ...options });
    expect(report.checks.map(({ name }) => name)).toEqual(only);
    expect(report.passed).toBe(report.checks.every((check) => check.passed));
    return Object.fromEntries(report.checks.filter((check) => !check.passed).map((c) => [c.name, c.message!]));
  };

  test('passes a sound plug-in', async () => {
    expect(
      await failuresOf(
        'none',
        CHECKS.map(({ name }) => name),
      ),
    ).toEqual({});
  });

  test.each([
    ['throws', 'trivial-world', 'I do not feel like it'],
    ['exits', 'trivial-world', 'exited'],
    ['own-chance', 'same-seed', 'different'],
    ['forgets', 'save-and-load', 'never interrupted'],
    ['shares-state', 'snapshot', 'copy the state'],
    ['deaf', 'abort', 'went on for 1000 ms'],
    ['nan', 'artifact', 'is NaN'],
    ['huge', 'artifact', '8388608 are allowed'],
    ['foreign', 'artifact', 'my-own'],
    ['blind', 'trivial-world', 'probability 0.500'],
  ])('finds that a plug-in %s', async (flaw, check, message) => {
    expect(await failuresOf(flaw, [check])).toMatchObject({ [check]: expect.stringContaining(message) });
  });

  test('finds that a plug-in hangs', async () => {
    const failures = await failuresOf('hangs', ['bounded-step'], 2_000);
    expect(failures).toEqual({ 'bounded-step': expect.stringContaining('did not end within 2000 ms') });
  });

  test('passes what attune learner new writes, wherever it lies', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'attune-new-learner-'));
    try {
      const learner = await scaffoldLearner('my-learner', parent);
      const report = await runConformance({ learner, abortGraceMs: 10_000 });
      expect(report.checks.filter((check) => !check.passed)).toEqual([]);
      // Its own spec imports zod, which its author would have installed.
      await symlink(join(ROOT, 'node_modules'), join(learner, 'node_modules'));
      const { stdout } = await run(process.execPath, ['--test'], { cwd: learner, env: { PATH: process.env['PATH'] } });
      expect(stdout).toMatch(/pass 3\n[^]*fail 0/);
    } finally {
      await rm(parent, { recursive: true, force: true });
    }
  });

  test('reports a plug-in that does not load, check by check', async () => {
    const report = await runConformance({ learner: '/nowhere/plug-in.mjs', only: ['trivial-world', 'snapshot'] });
    expect(report.passed).toBe(false);
    const named = { passed: false, message: expect.stringContaining('/nowhere/plug-in.mjs') };
    expect(report.checks).toMatchObject([named, named]);
  });
});
