/**
 * The whole engine against what schemathesis makes of its OpenAPI document: examples, the edges of every schema, and values
 * that no schema allows. No answer may be of 5xx, none of a status that the document does not list, and none of another
 * shape than it says. Needs Python 3 with venv, and schemathesis from PyPI or from pip's cache.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, jest, test } from '@jest/globals';
import { SCOPES } from '../../src/kernel/scopes.js';
import { endEngineProcesses, startEngineProcess } from '../support/engine-process.js';
import { startTestNats } from '../support/nats.js';

const VERSION = '4.32.5';
const KEY = 'key of the fuzzer';
const PIP_MS_MAX = 120_000;
const RUN_MS_MAX = 8 * 60_000;
jest.setTimeout(PIP_MS_MAX + RUN_MS_MAX + 120_000);

const run = promisify(execFile);
const venv = await mkdtemp(join(tmpdir(), 'attune-schemathesis-'));
const tool = join(venv, 'bin', 'schemathesis');

/** Whether there is one now. */
async function install(): Promise<boolean> {
  try {
    await run('python3', ['-m', 'venv', venv]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `schemathesis==${VERSION}`];
    await run(join(venv, 'bin', 'python'), pip, { timeout: PIP_MS_MAX });
    return true;
  } catch (error) {
    process.stderr.write(`no schemathesis: ${String((error as { stderr?: string }).stderr ?? error)}\n`);
    return false;
  }
}

const testWithTool = (await install()) ? test : test.skip;

afterAll(async () => {
  await endEngineProcesses();
  await rm(venv, { recursive: true, force: true });
});

interface Ended {
  readonly code: number;
  readonly output: string;
}

async function schemathesis(args: readonly string[]): Promise<Ended> {
  const options = { cwd: venv, timeout: RUN_MS_MAX, maxBuffer: 64 * 1024 * 1024 };
  try {
    const { stdout, stderr } = await run(tool, args, options);
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: unknown; stdout: string; stderr: string };
    return { code: typeof code === 'number' ? code : -1, output: `${stdout}${stderr}` };
  }
}

testWithTool('where Python has schemathesis: every answer is one that the document describes', async () => {
  const nats = await startTestNats({ partitions: 2 });
  try {
    const sha256 = createHash('sha256').update(KEY).digest('hex');
    const engine = await startEngineProcess({
      nats: nats.engine,
      databaseUrl: 'postgresql://nobody@127.0.0.1:1/none',
      settings: { 'cluster.partitions': 2, 'auth.apiKeys': [{ name: 'fuzzer', sha256, scopes: SCOPES }] },
    });
    const report = join(venv, 'report.xml');
    const { code, output } = await schemathesis([
      ...['run', `${engine.url}/docs-json`, '--header', `Authorization: Bearer ${KEY}`, '--no-color', '--seed', '1'],
      ...['--phases', 'examples,coverage,fuzzing', '--max-examples', '25', '--continue-on-failure'],
      ...[
        '--checks',
        'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance',
      ],
      ...['--report', 'junit', '--report-junit-path', report],
    ]);
    expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' });
    // It did ask: every operation, and often.
    const [, tested] = /Tested: (\d+)/.exec(output) ?? [];
    const [, passed] = /(\d+) generated, \d+ passed/.exec(output.replaceAll(',', '')) ?? [];
    expect(Number(tested)).toBeGreaterThanOrEqual(17);
    expect(Number(passed ?? /(\d+) generated/.exec(output)?.[1])).toBeGreaterThan(500);
    expect(await readFile(report, 'utf8')).toContain('failures="0"');
    expect(engine.log.filter(({ level }) => level === 'error')).toEqual([]);
  } finally {
    await endEngineProcesses();
    await nats.dispose();
  }
});
