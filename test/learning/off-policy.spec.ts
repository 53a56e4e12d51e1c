/** Off-policy evaluation against what others computed, against known truths, and as a tool. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { loggedWorld, trueValue } from '../../bench/support/logged-world.js';
import { main } from '../../src/cli/evaluate.js';
import { emptyReport, readLog, type LogFile } from '../../src/cli/evaluate/read-log.js';
import type { EvaluateReport } from '../../src/cli/evaluate/report.js';
import { evaluateLog, type EvaluateOptions } from '../../src/learners/evaluation/evaluate.js';
import { readDsjson } from '../../src/learners/evaluation/log/dsjson.js';
import { writeDsjson } from '../../src/learners/evaluation/log/dsjson-writer.js';
import type { LoggedDecision } from '../../src/learners/evaluation/logged.js';
import { FrequencyTarget, uniformTarget } from '../../src/learners/evaluation/target.js';
import { encodeArtifact, sealArtifact } from '../../src/policies/artifact.js';

const DATA = process.env.ATTUNE_DATA_DIR ?? join(import.meta.dirname, '..', '..', '..', 'shared', 'data');
const OPEN_BANDIT = join(DATA, 'obd_men');
const VOWPAL = join(DATA, 'vw_cb_dev');
const present = existsSync(join(OPEN_BANDIT, 'ope_reference.json')) && existsSync(join(VOWPAL, 'cases.json'));
if (!present) process.stderr.write(`skipped: no logs in ${DATA}; ATTUNE_DATA_DIR says where the data are\n`);
const real = present ? it : it.skip;

const OPTIONS: EvaluateOptions = {
  target: uniformTarget,
  model: 'auto',
  folds: 3,
  seed: 1,
  clip: 20,
  range: { min: 0, max: 1 },
  level: 0.95,
  resamples: 200,
  method: 'bca',
};
const openBandit = (policy: 'bts' | 'random'): LogFile => ({
  path: join(OPEN_BANDIT, policy, 'men.csv.gz'),
  format: 'obd',
  range: { min: 0, max: 1 },
});

describe('Open Bandit Data', () => {
  const logs: { bts: LoggedDecision[]; random: LoggedDecision[] } = { bts: [], random: [] };
  beforeAll(async () => {
    if (!present) return;
    for (const from of ['bts', 'random'] as const)
      for await (const decision of readLog(openBandit(from))) logs[from].push(decision);
  });

  real.each(['all', 'pos1', 'pos2', 'pos3'])(
    'gives the reference estimates of VowpalWabbit/estimators: %s',
    async (name) => {
      interface Case {
        n: number;
        ips: number;
        snips: number;
        cressieread: number;
        w_max: number;
        sum_w: number;
        sum_w2: number;
      }
      const text = readFileSync(join(OPEN_BANDIT, 'ope_reference.json'), 'utf8');
      const expected = (JSON.parse(text) as { cases: Record<string, Case> }).cases[name]!;
      const position = name === 'all' ? {} : { position: Number(name.slice(3)) - 1 };
      const evaluation = await evaluateLog(() => logs.bts, {
        ...OPTIONS,
        ...position,
        model: 'none',
        resamples: 50,
      });
      expect(evaluation.decisions).toBe(expected.n);
      const of = (estimator: string) => evaluation.estimates.find((estimate) => estimate.estimator === estimator)!;
      expect(Math.abs(of('IPS').estimate! - expected.ips)).toBeLessThan(1e-12);
      expect(Math.abs(of('SNIPS').estimate! - expected.snips)).toBeLessThan(1e-12);
      expect(Math.abs(of('Cressie-Read').estimate! - expected.cressieread)).toBeLessThan(1e-12);
      const { max, mean, effectiveSampleSize } = of('IPS').weights!;
      expect(max).toBeCloseTo(expected.w_max, 9);
      expect(mean * expected.n).toBeCloseTo(expected.sum_w, 6);
      expect(effectiveSampleSize).toBeCloseTo(expected.sum_w ** 2 / expected.sum_w2, 6);
    },
  );

  real('holds the value that the evaluated policy really had, both ways', async () => {
    const bts = new FrequencyTarget('bts');
    for (const decision of logs.bts) bts.add(decision);
    for (const [from, target, truth] of [
      ['random', bts, 0.0069],
      ['bts', uniformTarget, 0.0046],
    ] as const) {
      const { estimates, anytime } = await evaluateLog(() => logs[from], { ...OPTIONS, target });
      for (const { estimator, estimate, interval } of estimates) {
        expect([estimator, Math.abs(estimate! - truth) / truth < 0.4]).toEqual([estimator, true]);
        if (interval !== null && !['Switch-DR', 'DRos'].includes(estimator))
          expect([estimator, interval.low < truth && truth < interval.high]).toEqual([estimator, true]);
      }
      expect((anytime as { low: number }).low).toBeLessThan(truth);
      expect((anytime as { high: number }).high).toBeGreaterThan(truth);
    }
  });
});

describe('dsjson of Vowpal Wabbit', () => {
  interface Case {
    readonly vw_command: string;
    readonly input_files: readonly string[];
  }
  const cases = present ? (JSON.parse(readFileSync(join(VOWPAL, 'cases.json'), 'utf8')) as Case[]) : [];
  const files = [
    ...new Set(
      cases.flatMap(({ vw_command: command, input_files: inputs }) =>
        command.includes('--dsjson') ? inputs.filter((file) => file.startsWith('train-sets/')) : [],
      ),
    ),
  ];
  const range = { min: -1000, max: 1000 };
  /** Two lines that are broken on purpose, and a pdrop of 1, which Vowpal Wabbit does not take either. */
  const BAD: Readonly<Record<string, number>> = {
    'train-sets/ccb_data_parse_error.json': 2,
    'train-sets/cb_simple_pdrop1.json': 1,
  };

  real('parses whole, and what is written reads back equal', async () => {
    expect(files.length).toBeGreaterThanOrEqual(20);
    let decisions = 0;
    for (const name of files) {
      const report = emptyReport();
      for await (const decision of readLog({ path: join(VOWPAL, name), format: 'dsjson', range }, report)) {
        expect(readDsjson(writeDsjson(decision), range)).toEqual({ decision });
        decisions++;
      }
      expect([name, report.badCount]).toEqual([name, BAD[name] ?? 0]);
    }
    expect(decisions).toBeGreaterThan(500);
  });

  real('keeps labels, probabilities and actions as they stand in the lines', async () => {
    for (const name of files) {
      const lines = readFileSync(join(VOWPAL, name), 'utf8').split('\n');
      for (const line of lines) {
        if (!line.startsWith('{"_label_cost"')) continue;
        const raw = JSON.parse(line) as Record<string, number> & { a: number[]; p: number[]; pdrop?: number };
        if (raw.pdrop === 1 || '_skipLearn' in raw) continue;
        const { decision } = readDsjson(line, range) as { decision: LoggedDecision };
        const [choice] = decision.choices;
        const base = raw.a.includes(0) ? 0 : 1;
        expect(choice!.reward! + raw['_label_cost']!).toBe(0);
        expect(choice!.propensity).toBe(raw['_label_probability']);
        expect([choice!.action, choice!.action + 1]).toEqual([raw['_labelIndex'], raw['_label_Action']]);
        expect(choice!.eligible.map((a) => a + base)).toEqual(raw.a);
        expect(choice!.distribution).toEqual(raw.p);
      }
    }
  });
});

describe('a world with a known truth', () => {
  const world = { rounds: 800, actions: 8, dimension: 3, seed: 3, loggingBeta: 0.5, targetBeta: 4 };

  it('is found by every estimator that is unbiased, and its intervals hold it about as often as they say', async () => {
    const truth = trueValue({ ...world, logSeed: 0 }, 40_000);
    const runs = 30;
    const held = new Map<string, number>();
    for (let logSeed = 1; logSeed <= runs; logSeed++) {
      const { log, target } = loggedWorld({ ...world, logSeed });
      const { estimates, anytime } = await evaluateLog(() => log, { ...OPTIONS, target, resamples: 100 });
      const intervals = estimates.map(({ estimator, interval }) => [estimator as string, interval] as const);
      for (const [name, interval] of [...intervals, ['anytime', anytime as { low: number; high: number }] as const])
        if (interval !== null)
          held.set(name, (held.get(name) ?? 0) + (interval.low <= truth && truth <= interval.high ? 1 : 0));
    }
    // 95 % less four standard errors of the share.
    const least = runs * (0.95 - 4 * Math.sqrt((0.95 * 0.05) / runs));
    for (const name of ['IPS', 'SNIPS', 'Cressie-Read', 'DR', 'SNDR', 'anytime'])
      expect([name, held.get(name)! >= least]).toEqual([name, true]);
    expect(held.get('anytime')).toBeGreaterThanOrEqual(runs - 2);
  });
});

describe('npm run evaluate', () => {
  const RUN = ['--quiet', '--json', '--resamples', '50', '--reward-range', '0,1'];
  const { log } = loggedWorld({
    rounds: 400,
    actions: 3,
    dimension: 2,
    seed: 1,
    logSeed: 1,
    loggingBeta: 0.5,
    targetBeta: 3,
  });

  async function run(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const [out, err] = [process.stdout.write, process.stderr.write];
    let [stdout, stderr] = ['', ''];
    process.stdout.write = (text) => ((stdout += String(text)), true);
    process.stderr.write = (text) => ((stderr += String(text)), true);
    try {
      return { code: await main(args), stdout, stderr };
    } finally {
      [process.stdout.write, process.stderr.write] = [out, err];
    }
  }
  const inFolder = async (work: (folder: string) => Promise<void>): Promise<void> => {
    const folder = await mkdtemp(join(tmpdir(), 'attune-evaluate-'));
    try {
      await work(folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  };

  it('evaluates an artifact, draws it, and converts a log into one that gives the same numbers', () =>
    inFolder(async (folder) => {
      const [path, copy, policy, plot] = ['log.json.gz', 'copy.json', 'policy.json', 'plot.svg'].map((name) =>
        join(folder, name),
      ) as [string, string, string, string];
      await writeFile(path, gzipSync(log.map((decision) => `${writeDsjson(decision)}\n`).join('')));
      const lineage = { learner: 'test', experiences: 0, sequence: 0, createdAtMs: 0 };
      const parameters = { arms: { a0: [9, 3], a1: [3, 9] }, prior: [1, 1] };
      const artifact = sealArtifact({
        schema: 1,
        family: 'beta-thompson',
        policy: { id: 'p', version: 2 },
        parameters,
        lineage,
      });
      await writeFile(policy, encodeArtifact(artifact));
      const args = ['--format', 'dsjson', '--policy', policy, ...RUN];
      const first = await run(['--log', path, '--convert', copy, '--plot', plot, ...args]);
      expect([first.code, first.stderr]).toEqual([0, '400 decisions written, 0 bad lines\n']);
      const report = JSON.parse(first.stdout) as EvaluateReport;
      expect(report).toMatchObject({ policy: 'p@2', decisions: 400, log: { badCount: 0, lines: 400 } });
      expect(report.estimates.every(({ estimate }) => estimate !== null)).toBe(true);
      expect(await readFile(plot, 'utf8')).toContain('<svg');
      const again = JSON.parse((await run(['--log', copy, ...args])).stdout) as EvaluateReport;
      expect(again.estimates).toEqual(report.estimates);
      // What is there is not written over.
      expect((await run(['--log', path, '--format', 'dsjson', '--convert', copy])).stderr).toContain(
        'CONVERT_UNWRITABLE',
      );
    }));

  it('says which lines are bad, and goes on', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'log.json');
      const lines = log.map(writeDsjson);
      lines.splice(3, 0, '{', '', '{"_label_cost":-1,"c":{"_multi":[{}]},"_label_Action":1,"_label_probability":0}');
      await writeFile(path, lines.join('\r\n'));
      const { code, stdout } = await run(['--log', path, '--format', 'dsjson', '--policy', 'uniform', ...RUN]);
      expect(code).toBe(1);
      expect((JSON.parse(stdout) as EvaluateReport).log).toMatchObject({
        decisions: 400,
        badCount: 2,
        bad: [
          { line: 4, code: 'LOG_MALFORMED' },
          { line: 6, code: 'LOG_PROPENSITY_RANGE', field: '_label_probability' },
        ],
      });
      const text = await run(['--log', path, '--format', 'dsjson', '--policy', 'uniform', '--quiet']);
      expect(text.stdout).toContain('line 6: LOG_PROPENSITY_RANGE');
      expect(text.stdout).toContain('Switch-DR');
      expect(text.stdout).toContain('intervals of 95 % held the truth in: SNIPS 93.3 %, DR 93 %, SNDR 92.5 %');
    }));

  it.each([
    ['utf16le', (text: string): Buffer => Buffer.from(`\uFEFF${text}`, 'utf16le')],
    ['utf16le without its mark', (text: string): Buffer => Buffer.from(text, 'utf16le')],
    ['utf16be', (text: string): Buffer => Buffer.from(`\uFEFF${text}`, 'utf16le').swap16()],
  ])('makes no policy of frequencies of a log in %s', (_, encoded) =>
    inFolder(async (folder) => {
      const [path, other] = [join(folder, 'log.json'), join(folder, 'other.json.gz')];
      const lines = log.map(writeDsjson).join('\n');
      await writeFile(path, lines);
      for (const content of [encoded(lines), gzipSync(encoded(lines))]) {
        await writeFile(other, content);
        const args = ['--log', path, '--format', 'dsjson', ...RUN];
        expect(await run([...args, '--policy', `frequencies:${other}`])).toMatchObject({
          code: 2,
          stderr: expect.stringContaining('LOG_ENCODING') as unknown,
        });
      }
    }),
  );

  it('makes no policy of frequencies of a log that it cannot read', () =>
    inFolder(async (folder) => {
      const [path, other] = [join(folder, 'log.json'), join(folder, 'other.json')];
      await writeFile(path, log.map(writeDsjson).join('\n'));
      for (const content of ['{}\n{}\n', `${log.slice(0, 9).map(writeDsjson).join('\n')}\nx\n`, '\n']) {
        await writeFile(other, content);
        const { code, stderr } = await run(['--log', path, '--format', 'dsjson', '--policy', `frequencies:${other}`]);
        expect([code, stderr]).toEqual([2, expect.stringContaining('TARGET_FREQUENCIES')]);
      }
    }));

  it('says why nothing of a log could be read', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'log.json');
      await writeFile(
        path,
        log.map((d) => writeDsjson({ ...d, reward: -1, choices: [{ ...d.choices[0]!, reward: -1 }] })).join('\n'),
      );
      const { code, stderr } = await run(['--log', path, '--format', 'dsjson', '--policy', 'uniform']);
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(/LOG_EMPTY.*400 bad.*line 1: LOG_REWARD_RANGE: _label_cost/),
      ]);
      const header = 'timestamp,item_id,position,click,propensity_score,user-item_affinity_0';
      await writeFile(path, `${header}\n,0,1,False,0.5,0\n,0,1,True,0.5,0\n`);
      const text = await run(['--log', path, '--format', 'obd', '--policy', 'uniform']);
      expect([text.code, text.stderr]).toEqual([2, expect.stringMatching(/line 2: LOG_MALFORMED: click .*False/)]);
    }));

  it('counts a decision that the log has twice once, and says so', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'log.json');
      const named = log.map((decision, i) => writeDsjson({ ...decision, id: `e${i}` }));
      await writeFile(path, [...named, ...named.slice(0, 100)].join('\n'));
      const { code, stdout } = await run(['--log', path, '--format', 'dsjson', '--policy', 'uniform', ...RUN]);
      expect([code, JSON.parse(stdout)]).toMatchObject([0, { decisions: 400, log: { skipped: { repeated: 100 } } }]);
      const text = await run(['--log', path, '--format', 'dsjson', '--policy', 'uniform', '--quiet']);
      expect(text.stdout).toContain('100 repeated');
    }));

  it('reads CSV whose header and rows end differently, and none whose positions count from 0', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'log.csv');
      const header = 'timestamp,item_id,position,click,propensity_score,user-item_affinity_0,user-item_affinity_1';
      const rows = Array.from({ length: 40 }, (_, i) => `t,${i % 2},${1 + (i % 3)},${i % 3 === 0 ? 1 : 0},0.5,0,0`);
      const of = (): Promise<{ code: number; stdout: string; stderr: string }> =>
        run(['--log', path, '--format', 'obd', '--policy', 'uniform', ...RUN]);
      for (const [first, between] of [
        ['\r\n', '\n'],
        ['\n', '\r\n'],
        ['\r', '\n'],
      ] as const) {
        await writeFile(path, `${header}${first}${rows.join(between)}${between}`);
        expect(JSON.parse((await of()).stdout)).toMatchObject({ decisions: 40, log: { badCount: 0 } });
      }
      await writeFile(path, `${header}\n${rows.join('\n')}\nt,0,0,1,0.5,0,0\n`);
      expect(await of()).toMatchObject({ code: 2, stderr: expect.stringMatching(/LOG_POSITIONS: Line 42/) as unknown });
    }));

  it.each(['\r', '\r\n', '\n', '\n\r'])('reads lines that end in %j, and names one that is not UTF-8', (end) =>
    inFolder(async (folder) => {
      const path = join(folder, 'log.json');
      const lines = log.map((decision, i) => writeDsjson({ ...decision, id: `é${i}` }));
      const broken = Buffer.from(writeDsjson({ ...log[0]!, id: 'caf\xe9' }), 'latin1');
      await writeFile(path, Buffer.concat([Buffer.from(lines.join(end) + end), broken]));
      const { code, stdout } = await run(['--log', path, '--format', 'dsjson', '--policy', 'uniform', ...RUN]);
      expect([code, JSON.parse(stdout)]).toMatchObject([
        1,
        { decisions: 400, log: { badCount: 1, bad: [{ code: 'LOG_ENCODING' }] } },
      ]);
    }),
  );

  it('asks for a file where it is given a folder or a pipe', () =>
    inFolder(async (folder) => {
      const pipe = join(folder, 'pipe');
      execFileSync('mkfifo', [pipe]);
      for (const path of [folder, pipe, '/dev/null'])
        for (const format of ['dsjson', 'obd'])
          expect(await run(['--log', path, '--format', format, '--policy', 'uniform'])).toMatchObject({
            code: 2,
            stderr: expect.stringMatching(/LOG_UNREADABLE: .*no regular file/) as unknown,
          });
    }));

  it('tells bad input from a bad log', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'log');
      const of = (...args: string[]): Promise<{ code: number; stderr: string }> =>
        run(['--log', path, ...RUN, ...args]);
      const failure = (code: string): object => ({ code: 2, stderr: expect.stringContaining(code) as unknown });
      expect(await of('--format', 'obd', '--policy', 'uniform')).toMatchObject(failure('LOG_UNREADABLE'));
      await writeFile(path, '');
      expect(await of('--format', 'obd', '--policy', 'uniform')).toMatchObject(failure('LOG_HEADER'));
      expect(await of('--format', 'dsjson', '--policy', 'uniform')).toMatchObject(failure('LOG_EMPTY'));
      expect(await of('--format', 'dsjson')).toMatchObject(failure('EVALUATE_OPTION'));
      expect(await of('--format', 'dsjson', '--policy', join(folder, 'none'))).toMatchObject(
        failure('POLICY_UNREADABLE'),
      );
      expect(await of('--format', 'dsjson', '--policy', path)).toMatchObject(failure('ARTIFACT_MALFORMED'));
      await writeFile(path, gzipSync(log.map(writeDsjson).join('\n')).subarray(0, 900));
      expect(await of('--format', 'dsjson', '--policy', 'uniform')).toMatchObject(failure('LOG_TRUNCATED'));
      expect((await of('--format', 'csv', '--policy', 'uniform')).code).toBe(2);
      expect((await run(['--help'])).code).toBe(0);
    }));
});
