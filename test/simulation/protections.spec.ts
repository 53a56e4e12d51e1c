import { describe, expect, it } from '@jest/globals';
import { ALL_PROTECTIONS, type Protections } from '../../src/actors/host/protections.js';
import { simulate } from '../../src/actors/simulated/simulation.js';
import { runSimulate } from './support.js';

/** A protection that nobody misses within so many runs is not needed, or the simulator is blind to it. */
const SEEDS_MAX = 400;

/** What is taken away, and what apps then notice. */
const CASES: readonly (readonly [keyof Protections, string])[] = [
  ['barrier', 'acknowledged-decision-kept'],
  ['watermark', 'outputs-counted-once'],
  ['repeats', 'outputs-counted-once'],
  ['eventFloor', 'outputs-counted-once'],
  ['ownTimes', 'snapshot-is-the-fold'],
  ['overlay', 'caps-exact'],
  ['after', 'consent-told'],
  ['cas', 'state-is-the-fold'],
  ['timerGeneration', 'timers-once'],
  ['renewOnProgress', 'hung-hosts-let-go'],
  ['neverReacquire', 'acts-only-under-its-lease'],
  ['leaseBeforeAnswer', 'acts-only-under-its-lease'],
  ['leaseBeforeWrite', 'acts-only-under-its-lease'],
  ['intake', 'settles'],
  ['semantics', 'state-is-the-fold'],
  ['redrive', 'redrives-count-once'],
  ['foresight', 'crowds-delay-nobody-else'],
];

async function firstSeedThatBreaks(promise: string, protections: Protections): Promise<number | undefined> {
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    const { violations } = await simulate({ seed, protections });
    if (violations.some((violation) => violation.promise === promise)) return seed;
  }
  return undefined;
}

describe.each(CASES)('without the protection %s', (protection, promise) => {
  it(`some run breaks ${promise}, and with it the same run breaks nothing`, async () => {
    const seed = await firstSeedThatBreaks(promise, { ...ALL_PROTECTIONS, [protection]: false });
    expect(seed).toBeDefined();
    expect((await simulate({ seed: seed! })).violations).toEqual([]);
  });
});

describe('the command line', () => {
  it('prints a failing seed with the way to replay it, and its trace on request', async () => {
    const found = await runSimulate('--break', 'overlay', '--jobs', '1');
    expect(found.exitCode).toBe(1);
    const replay = /replay: npm run simulate -- (--seed \d+ --break overlay --trace)/.exec(found.stdout);
    expect(replay).not.toBeNull();
    const traced = await runSimulate(...replay![1]!.split(' '));
    expect(traced.exitCode).toBe(1);
    expect(traced.stdout).toMatch(/partition is served/);
    expect(traced.stdout).toMatch(/caps-exact/);
  });

  it.each([
    [['--seeds', 'many']],
    [['--break', 'nothing']],
    [['--trace']],
    [['--nope']],
    [['--only', 'village']],
    [['--only', 'toy', '--seed', '4']],
    [['--until-failure', '--seed', '4']],
    [['town']],
  ])('says what is wrong with %j and exits with 2', async (args) => {
    const { exitCode, stderr } = await runSimulate(...args);
    expect(exitCode).toBe(2);
    expect(stderr).not.toBe('');
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('runs one scenario alone, until something fails', async () => {
    const found = await runSimulate('--only', 'toy', '--until-failure', '--break', 'overlay', '--jobs', '1');
    expect(found.exitCode).toBe(1);
    expect(found.stdout).toMatch(/1 seeds failed\./);
    const towns = await runSimulate('--only', 'town', '--seeds', '2', '--jobs', '1', '--json');
    expect(towns.exitCode).toBe(0);
    expect(JSON.parse(towns.stdout)).toMatchObject({ seeds: 2, failed: 0 });
  });

  it('helps', async () => {
    const { exitCode, stdout } = await runSimulate('--help');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/--seeds[\s\S]*Exit codes/);
  });
});
