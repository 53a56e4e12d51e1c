/** The static checks: all of them run, whatever fails, so that one run shows everything there is to mend. */
import './require-node.mjs';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const CHECKS = [
  ['format', 'prettier', ['--check', '--log-level=warn', '.']],
  ['lint', 'oxlint', ['--type-aware', '--deny-warnings']],
  ['layers', 'depcruise', ['src']],
  ['types', 'tsc', ['--noEmit', '-p', 'tsconfig.json']],
  ['dead exports', 'knip', []],
];

const failed = [];
for (const [name, command, args] of CHECKS) {
  const startedMs = performance.now();
  const { status, error } = spawnSync(command, args, {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: 'inherit',
  });
  if (status !== 0) failed.push(name);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  process.stdout.write(
    `${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)${error ? `: ${error.message}` : ''}\n`,
  );
}
if (failed.length > 0) process.stdout.write(`static checks failed: ${failed.join(', ')}\n`);
process.exit(failed.length > 0 ? 1 : 0);
