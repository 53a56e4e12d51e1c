/** `npm run train` as it is called, with real files. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from '../../src/cli/train.js';
import type { TrainReport } from '../../src/cli/train/report.js';
import { openArtifact } from '../../src/policies/artifact.js';

let folder = '';
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'attune-train-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TABLE = {
  env: 'tiny',
  nS: 2,
  nA: 2,
  horizon: 5,
  start_distribution: { '0': 1 },
  T: [
    [[[1, 0, 0, false]], [[1, 1, 1, true]]],
    [[[1, 1, 0, true]], [[1, 1, 0, true]]],
  ],
};

const inFolder = (name: string): string => join(folder, name);
function file(name: string, content: unknown): string {
  writeFileSync(inFolder(name), typeof content === 'string' ? content : JSON.stringify(content));
  return inFolder(name);
}

async function run(...args: string[]): Promise<{ exitCode: number; out: string; err: string }> {
  const texts = { out: '', err: '' };
  const spies = (['out', 'err'] as const).map((name) =>
    jest.spyOn(name === 'out' ? process.stdout : process.stderr, 'write').mockImplementation((text) => {
      texts[name] += String(text);
      return true;
    }),
  );
  try {
    return { exitCode: await main(args), ...texts };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

describe('npm run train', () => {
  it('writes an artifact that opens, a curve and a report, and finds the exact optimum', async () => {
    const table = file('table.json', TABLE);
    const { exitCode, out } = await run(
      ...['--learner', 'sarsa', '--env', table, '--steps', '500', '--seed', '3', '--episodes', '7', '--json'],
      ...['--out', inFolder('deep/er'), '--policy', 'my.policy', '--expect', '1'],
    );
    expect(exitCode).toBe(0);
    const report = JSON.parse(out) as TrainReport;
    expect(report).toMatchObject({
      learner: 'sarsa',
      environment: 'tiny',
      steps: 500,
      evaluation: { episodes: 7, mean: 1, sd: 0 },
      exact: { return: 1, optimum: 1 },
    });
    const artifact = openArtifact(readFileSync(report.artifact.path));
    expect(artifact).toMatchObject({
      family: 'q-table',
      policy: { id: 'my.policy', version: 1 },
      lineage: { learner: 'sarsa', experiences: report.learned, sequence: 500 },
      checksum: report.artifact.checksum,
    });
    expect(readFileSync(report.curve, 'utf8')).toMatch(/^<svg /);
    expect(JSON.parse(readFileSync(inFolder('deep/er/report.json'), 'utf8'))).toEqual(report);
    expect(readdirSync(inFolder('deep/er')).sort()).toEqual(['artifact.json', 'curve.svg', 'report.json']);
  });

  it('learns the same from the same seed, with the configuration of a file', async () => {
    const config = file('config.yaml', 'config: { discount: 0.5, double: true }\nrefresh: 500\nbatch: 3\n');
    const parameters = async (seed: string, out: string): Promise<unknown> => {
      const args = ['--learner', 'q-learning', '--env', 'city', '--steps', '3000', '--episodes', '2'];
      const { exitCode } = await run(...args, '--seed', seed, '--config', config, '--out', inFolder(out));
      expect(exitCode).toBe(0);
      return openArtifact(readFileSync(join(inFolder(out), 'artifact.json'))).parameters;
    };
    const first = await parameters('5', 'a');
    expect(await parameters('5', 'b')).toEqual(first);
    expect(await parameters('6', 'c')).not.toEqual(first);
  });

  it('tells people in lines, and exits with 1 where less came out than was expected', async () => {
    const args = ['--learner', 'double-q', '--env', 'mountaincar', '--steps', '600', '--episodes', '2'];
    const { exitCode, out } = await run(...args, '--out', inFolder('car'), '--expect', '0');
    expect(exitCode).toBe(1);
    expect(out).toMatch(/^learner +double-q, seed 1$/m);
    expect(out).toMatch(/^evaluation +mean return -200\.00 ± 0\.00/m);
  });

  it.each([
    ['no learner', /learner/, () => ['--env', 'city']],
    ['an unknown learner', /LEARNER_KIND_UNKNOWN/, () => ['--learner', 'no-such', '--env', 'city']],
    ['an unknown environment', /ENVIRONMENT_UNKNOWN/, () => ['--learner', 'sarsa', '--env', 'pong']],
    ['a table that is not there', /TRAIN_FILE/, () => ['--learner', 'sarsa', '--env', inFolder('no.json')]],
    ['a table that is none', /TRANSITION_TABLE: env/, () => ['--learner', 'sarsa', '--env', file('bad.json', {})]],
    ['a table that is no JSON', /TRAIN_FILE/, () => ['--learner', 'sarsa', '--env', file('cut.json', '{"env":')]],
    ['no steps', /whole number/, () => ['--learner', 'sarsa', '--env', 'city', '--steps', '0']],
    ['a seed of another kind', /whole number/, () => ['--learner', 'sarsa', '--env', 'city', '--seed', '1e99']],
    ['an unknown option in the file', /TRAIN_CONFIG/, () => withFile('surprise: 1')],
    ['a wrong learner option', /LEARNER_CONFIG_INVALID.*discount/, () => withFile('config: { discount: 7 }')],
    ['a file that is no YAML', /TRAIN_FILE/, () => withFile('config: [')],
    ['wrong bins', /BINS_INVALID/, () => withFile('bins: []', 'cartpole')],
    ['an out that is a file', /TRAIN_OUT/, () => ['--learner', 'sarsa', '--env', 'city', '--out', file('f', '')]],
  ])('exits with 2 for %s', async (_, message, args) => {
    const out = args().includes('--out') ? [] : ['--out', inFolder('unused')];
    const { exitCode, err } = await run(...args(), ...out);
    expect({ exitCode, err }).toEqual({ exitCode: 2, err: expect.stringMatching(message) });
    expect(existsSync(inFolder('unused/artifact.json'))).toBe(false);
  });

  it('writes nothing when it is interrupted', async () => {
    const running = run('--learner', 'sarsa', '--env', 'city', '--steps', '1000000000', '--out', inFolder('cut'));
    while (!existsSync(inFolder('cut'))) await new Promise((resolve) => setTimeout(resolve, 5));
    process.emit('SIGINT');
    expect((await running).exitCode).toBe(130);
    expect(readdirSync(inFolder('cut'))).toEqual([]);
  });
});

const withFile = (yaml: string, env = 'city'): string[] => [
  ...['--learner', 'sarsa', '--env', env],
  ...['--config', file('given.yaml', yaml)],
];
