/** `npm run conformance -- --learner PATH`: checks a learner plug-in against what the engine expects of one. */
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { CHECKS } from '../learners/conformance/checks.js';
import { CONFORMANCE_DEFAULTS, runConformance, type CheckResult } from '../learners/conformance/suite.js';
import { EXIT, failureOf, numberFrom } from './outcome.js';

interface Options {
  readonly learner: string;
  readonly config: unknown;
  readonly check?: string[];
  readonly limit: number;
  readonly decisions: number;
  readonly json?: true;
}

export const conformanceCommand = (name: string): Command =>
  new Command(name)
    .description(
      'Runs a learner plug-in through the conformance suite, each check in a thread of its own with a time limit.',
    )
    .requiredOption(
      '--learner <learner>',
      'a path (of a file or a package’s folder), a package name or a built-in kind',
    )
    .addOption(
      new Option('--config <json>', 'the plug-in’s configuration: JSON, or @FILE')
        .argParser(configFrom)
        .default({}, '{}'),
    )
    .addOption(new Option('--check <names...>', 'only these checks').choices(CHECKS.map((check) => check.name)))
    .option(
      '--limit <seconds>',
      'how long one check may take',
      numberFrom(1, 3600, false),
      CONFORMANCE_DEFAULTS.limitMs / 1000,
    )
    .option(
      '--decisions <n>',
      'decisions after which the trivial world must be solved',
      numberFrom(32, 1_000_000),
      CONFORMANCE_DEFAULTS.decisions,
    )
    .option('--json', 'the report as JSON on standard output')
    .addHelpText('after', '\nExit codes: 0 all checks passed; 1 some did not; 2 wrong arguments.')
    .exitOverride();

/** Runs the suite as the options say; resolves to the exit code. */
export async function conformance(options: Options, print: (line: string) => void): Promise<number> {
  const { learner, config, check, limit, decisions, json } = options;
  let told: string | undefined;
  const tell = (result: CheckResult): void => {
    print(lineOf(result, told));
    told = result.message ?? told;
  };
  const report = await runConformance({
    learner,
    config,
    decisions,
    limitMs: limit * 1000,
    ...(check === undefined ? {} : { only: check }),
    ...(json ? {} : { onCheck: tell }),
  });
  const failed = report.checks.filter((result) => !result.passed).length;
  if (json) print(JSON.stringify(report, null, 2));
  else print(`${learner}: ${report.checks.length - failed} passed, ${failed} failed`);
  return failed === 0 ? EXIT.ok : EXIT.mismatch;
}

/** What fails all checks alike, as a module that does not load, is told once. */
const lineOf = ({ name, promise, passed, message }: CheckResult, told: string | undefined): string =>
  passed
    ? `ok    ${name.padEnd(15)} ${promise}`
    : `FAIL  ${name.padEnd(15)} ${promise}\n      ${message === told ? 'for the same reason' : (message ?? '')}`;

function configFrom(text: string): unknown {
  try {
    return JSON.parse(text.startsWith('@') ? readFileSync(text.slice(1), 'utf8') : text);
  } catch (error) {
    throw new InvalidArgumentError(`It is neither JSON nor @FILE with JSON in it: ${(error as Error).message}`);
  }
}

const toStdout = (line: string): void => void process.stdout.write(`${line}\n`);
const toStderr = (line: string): void => void process.stderr.write(`${line}\n`);

async function main(args: readonly string[]): Promise<number> {
  try {
    const command = conformanceCommand('conformance').parse([...args], { from: 'user' });
    return await conformance(command.opts<Options>(), toStdout);
  } catch (error) {
    return failureOf('conformance', error, toStderr);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.exitCode = await main(process.argv.slice(2));
}
