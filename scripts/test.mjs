/**
 * Runs the suite: what does no I/O on two workers, then what starts real servers, one file at a time. Ends with the line
 * `N passed, N failed, N skipped`. Arguments go to Jest, as in `npm test -- --testPathPatterns store`.
 *
 * With ATTUNE_TEST_NO_SKIPS=1, a test that needs a server and was skipped counts as a failure.
 */
import './require-node.mjs';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const passedOn = process.argv.slice(2);
const PHASES = [
  { projects: ['unit', 'simulation', 'learning'], args: ['--maxWorkers=2'], maySkip: true },
  { projects: ['conformance', 'integration', 'e2e'], args: ['--runInBand'], maySkip: false },
];
/** Tests that need what comes from elsewhere than npm and apt, and say so in their names. */
const MAY_SKIP = /^where Python has (?:nats-py|schemathesis): /;
/** A phase takes a few minutes, on a busy machine a few times that; past this something hangs. */
const PHASE_MS_MAX = 40 * 60_000;

if (passedOn.includes('--help')) {
  process.stdout.write(
    'usage: npm test [-- <options of Jest>]\n' +
      '  --testPathPatterns <regex>   only the files that match\n' +
      '  -t <regex>                   only the tests whose name matches\n' +
      'Exit codes: 0 all passed, 1 a test failed or a promised one was skipped.\n',
  );
  process.exit(0);
}

const totals = { passed: 0, failed: 0, skipped: 0 };
const complaints = [];
const folder = mkdtempSync(join(tmpdir(), 'attune-test-'));
try {
  // The end-to-end tests start the service as a person would: from dist/.
  const built = spawnSync(process.execPath, [join(root, 'scripts/build-if-stale.mjs')], { stdio: ['ignore', 2, 2] });
  if (built.status !== 0) complaints.push('dist/ could not be built.');
  for (const phase of PHASES) run(phase);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const complaint of complaints) process.stdout.write(`${complaint}\n`);
process.stdout.write(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`);
process.exit(complaints.length > 0 || totals.failed > 0 ? 1 : 0);

function run({ projects, args, maySkip }) {
  const outputFile = join(folder, `${projects[0]}.json`);
  const { status, signal } = spawnSync(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      join(root, 'node_modules/jest/bin/jest.js'),
      ...args,
      '--passWithNoTests',
      '--json',
      `--outputFile=${outputFile}`,
      ...projects.map((project) => `--selectProjects=${project}`),
      ...passedOn,
    ],
    { cwd: root, stdio: ['ignore', 'ignore', 'inherit'], timeout: PHASE_MS_MAX },
  );
  let result;
  try {
    result = JSON.parse(readFileSync(outputFile, 'utf8'));
  } catch {
    const how =
      signal === null ? `with exit code ${status}` : `by ${signal}; a phase may take ${PHASE_MS_MAX / 60_000} minutes`;
    complaints.push(`${projects.join(', ')}: Jest ended ${how}, without a result.`);
    totals.failed++;
    return;
  }
  totals.passed += result.numPassedTests;
  totals.failed += result.numFailedTests;
  totals.skipped += result.numPendingTests + result.numTodoTests;
  for (const { name, message, assertionResults, status: fileStatus } of result.testResults) {
    const file = relative(root, name);
    // A file that cannot even be loaded has no failed tests.
    if (fileStatus === 'failed' && assertionResults.every((test) => test.status !== 'failed')) {
      totals.failed++;
      complaints.push(`${file}: ${message.split('\n')[0]}`);
    }
    if (process.env.ATTUNE_TEST_NO_SKIPS !== '1' || maySkip) continue;
    const isLeftOut = ({ status: s, fullName }) => (s === 'pending' || s === 'todo') && !MAY_SKIP.test(fullName);
    for (const test of assertionResults.filter(isLeftOut)) {
      complaints.push(`${file}: skipped although promised: ${test.fullName}`);
    }
  }
  // A leak or a crash that no test failed for.
  if (status !== 0 && result.numFailedTests === 0 && result.numFailedTestSuites === 0) {
    complaints.push(`${projects.join(', ')}: Jest ended with ${status}.`);
  }
}
