/** `npm run mutants`: plants kept bugs one at a time in a copy of the tree, and tells which net caught each. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { format } from 'prettier';
import { AREAS } from '../test/mutants/index.js';
import { unplantable, type Mutant, type Net } from '../test/mutants/mutant.js';
import { cast, nameOf } from './mutants/nets.js';
import { pageOf } from './mutants/page.js';
import { MutantTree } from './mutants/tree.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const PAGE = join(root, 'docs/mutants.md');
/** A net that takes so many times longer than over the sound tree hangs; below the least it may be the machine. */
const SLOWER_MAX = 12;
const NET_MS_MIN = 120_000;
/** More that escape than this are a failure. */
const ESCAPED_SHARE_MAX = 2 / 60;

interface Options {
  readonly only?: readonly string[];
  readonly area?: string;
  readonly changed?: string | true;
  readonly nets: 'all' | 'specs' | 'simulator';
  readonly check?: true;
  readonly write?: true;
  readonly json?: true;
  readonly jobs: number;
}

interface Result {
  readonly id: string;
  readonly area: string;
  readonly by: string | undefined;
}

const whole = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number from 1.');
  return value;
};

const program = new Command('mutants')
  .description('Plants the bugs of test/mutants one at a time in a copy of the tree and tells which net caught each.')
  .option('--only <id...>', 'these mutants only')
  .option('--area <area>', 'the mutants of one area only')
  .option('--changed [base]', 'those only whose file or spec differs from a commit (main)')
  .addOption(
    new Option('--nets <which>', 'cast these only, and plant what they are named for')
      .choices(['all', 'specs', 'simulator'])
      .default('all'),
  )
  .option('--check', 'plant none: say which could not be planted')
  .option('--write', 'write docs/mutants.md; only where all are planted')
  .option('--jobs <n>', 'trees', whole, 1)
  .option('--json', 'print the result for machines')
  .addHelpText(
    'after',
    '\nExit codes: 0 all but two of sixty were caught; 1 more escaped; 2 wrong usage, a mutant that cannot be planted,' +
      '\nor a net that catches something in the tree as it is.',
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

const options = program.parse().opts<Options>();
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const tell = (text: string): void => void process.stderr.write(`${text}\n`);
const refuse = (text: string): never => {
  tell(text);
  process.exit(2);
};

const isCast = (net: Net): boolean =>
  options.nets === 'all' || (options.nets === 'specs') === (typeof net === 'string');
const all = AREAS.flatMap(({ area, mutants }) => mutants.map((mutant) => ({ area, mutant })));
const chosen = choose();
const useless = all.flatMap(({ mutant }) => {
  const why = whyUseless(mutant);
  return why === undefined ? [] : [`${mutant.id} in ${mutant.file}: ${why}.`];
});
if (options.check) {
  for (const line of useless) say(line);
  say(`${all.length} mutants, ${useless.length} cannot be planted.`);
  process.exit(useless.length > 0 ? 2 : 0);
}
const uselessChosen = useless.filter((line) => chosen.some(({ mutant }) => line.startsWith(`${mutant.id} `)));
if (uselessChosen.length > 0) refuse(uselessChosen.join('\n'));
if (options.write && (chosen.length < all.length || options.nets !== 'all'))
  refuse('--write takes all mutants: the page is of all of them.');
process.exitCode = await plantAll();

function choose(): typeof all {
  const { only, area, changed } = options;
  if (area !== undefined && !AREAS.some((one) => one.area === area))
    refuse(`There is no area ${area}; there are ${AREAS.map((one) => one.area).join(', ')}.`);
  const unknown = only?.filter((id) => !all.some(({ mutant }) => mutant.id === id)) ?? [];
  if (unknown.length > 0) refuse(`There is no mutant ${unknown.join(', ')}.`);
  const files = changed === undefined ? undefined : changedSince(changed === true ? 'main' : changed);
  return all.filter(
    ({ area: own, mutant }) =>
      mutant.nets.some(isCast) &&
      (area === undefined || own === area) &&
      (only === undefined || only.includes(mutant.id)) &&
      (files === undefined || files.has(mutant.file) || mutant.nets.some((net) => isTouched(net, files))),
  );
}

const isTouched = (net: Net, files: ReadonlySet<string>): boolean =>
  typeof net === 'string' ? files.has(net) : [...files].some((file) => file.startsWith('src/actors/simulated/'));

function changedSince(base: string): ReadonlySet<string> {
  const git = (...args: string[]): string[] => {
    try {
      return execFileSync('git', args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
        .toString('utf8')
        .split('\n');
    } catch {
      return refuse(`git knows no commit ${base} to compare with.`);
    }
  };
  return new Set([...git('diff', '--name-only', base, '--'), ...git('ls-files', '--others', '--exclude-standard')]);
}

function whyUseless(mutant: Mutant): string | undefined {
  try {
    return unplantable(mutant, readFileSync(join(root, mutant.file), 'utf8'));
  } catch {
    return 'there is no such file';
  }
}

async function plantAll(): Promise<number> {
  const nets = new Map<string, Net>();
  for (const { mutant } of chosen) for (const net of mutant.nets.filter(isCast)) nets.set(nameOf(net), net);
  const trees = Array.from({ length: Math.min(options.jobs, Math.max(1, chosen.length)) }, () => new MutantTree(root));
  // An interrupted run leaves no copies behind.
  const stop = (): void => {
    for (const tree of trees) tree.remove();
    process.exit(130);
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const allowedMs = await measure(trees, nets);
    return report(await inTurn(trees, chosen, (tree, one) => tryOne(tree, one, allowedMs)));
  } finally {
    for (const tree of trees) tree.remove();
  }
}

/** How long each net may take. Ends the run where one catches something in the tree as it is. */
async function measure(
  trees: readonly MutantTree[],
  nets: ReadonlyMap<string, Net>,
): Promise<ReadonlyMap<string, number>> {
  tell(`${chosen.length} mutants, ${nets.size} nets over the tree as it is:`);
  const allowedMs = new Map<string, number>();
  const faults = await inTurn(trees, [...nets], async ({ folder }, [name, net]) => {
    const { by, ms } = await cast(net, folder, 10 * NET_MS_MIN);
    tell(`  ${(ms / 1000).toFixed(1).padStart(6)} s  ${name}${by === undefined ? '' : `: ${by}`}`);
    allowedMs.set(name, Math.max(NET_MS_MIN, SLOWER_MAX * ms));
    return by;
  });
  const first = faults.find((by) => by !== undefined);
  if (first !== undefined) {
    for (const tree of trees) tree.remove();
    refuse(`A net that catches something without a mutant tells nothing about mutants: ${first}`);
  }
  return allowedMs;
}

async function tryOne(
  tree: MutantTree,
  { area, mutant }: (typeof all)[number],
  allowedMs: ReadonlyMap<string, number>,
): Promise<Result> {
  tree.plant(mutant);
  try {
    for (const net of mutant.nets.filter(isCast)) {
      const { by } = await cast(net, tree.folder, allowedMs.get(nameOf(net))!);
      if (by === undefined) continue;
      tell(`caught   ${mutant.id}: ${by}`);
      return { id: mutant.id, area, by };
    }
  } finally {
    tree.uproot(mutant);
  }
  tell(`ESCAPED  ${mutant.id}: ${mutant.why}`);
  return { id: mutant.id, area, by: undefined };
}

/** Each item in one of the trees, as soon as one is free; results in the order of the items. */
async function inTurn<T, R>(
  trees: readonly MutantTree[],
  items: readonly T[],
  work: (tree: MutantTree, item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  await Promise.all(
    trees.map(async (tree) => {
      while (next < items.length) {
        const index = next++;
        results[index] = await work(tree, items[index]!);
      }
    }),
  );
  return results;
}

async function report(results: readonly Result[]): Promise<number> {
  const escaped = results.filter(({ by }) => by === undefined);
  if (options.write) {
    const page = pageOf(AREAS, new Map(results.map(({ id, by }) => [id, by?.replace(/ \(seed \d+\)$/, '')])));
    writeFileSync(PAGE, await format(page, { parser: 'markdown', printWidth: 120 }));
  }
  if (options.json) say(JSON.stringify({ planted: results.length, escaped: escaped.length, results }, null, 2));
  else {
    for (const { area } of AREAS) {
      const own = results.filter((result) => result.area === area);
      if (own.length === 0) continue;
      const caught = own.filter(({ by }) => by !== undefined);
      const inSimulator = caught.filter(({ by }) => /^(toy|town)\b/.test(by!)).length;
      say(
        `${area.padEnd(24)} ${own.length} planted, ${caught.length} caught: ${caught.length - inSimulator} by specs, ${inSimulator} by the simulator`,
      );
    }
    for (const { id } of escaped) say(`escaped: ${id}`);
    say(`${results.length} planted, ${results.length - escaped.length} caught, ${escaped.length} escaped.`);
  }
  return escaped.length > results.length * ESCAPED_SHARE_MAX ? 1 : 0;
}
