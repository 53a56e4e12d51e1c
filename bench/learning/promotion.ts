/**
 * The promotion gate by simulation: candidates that are worth the same as the live policy, looked at after every held-out
 * decision, better ones by their effect, and ones that are better than a degraded live policy but worse than the anchor.
 *
 *   nice -n 19 node --import ./scripts/typescript.mjs bench/learning/promotion.ts --candidates 1000
 */
import { Command } from 'commander';
import { numberFrom } from '../../src/cli/outcome.js';
import { gateSettingsSchema } from '../../src/learners/promotion/index.js';
import {
  betterBy,
  clopperPearsonUpper,
  EQUAL,
  judgeAll,
  RATCHET,
  worthOf,
} from '../../test/support/promotion-world.js';

const options = new Command('promotion')
  .option('--candidates <n>', 'equal candidates, each the first of its learner', numberFrom(1, 100_000), 1000)
  .option('--lifetimes <n>', 'learners with --each equal candidates one after the other', numberFrom(0, 10_000), 100)
  .option('--each <n>', 'equal candidates of such a learner', numberFrom(1, 1000), 10)
  .option('--decisions <n>', 'held-out decisions a candidate may have', numberFrom(100, 1_000_000), 5000)
  .option('--runs <n>', 'candidates for each effect', numberFrom(1, 10_000), 50)
  .option('--effects <values...>', 'how much better', ['0.01', '0.02', '0.04', '0.08'])
  .option('--alpha <level>', 'chance of any wrong promotion', Number, 0.05)
  .option('--loss <limit>', 'lossMax of the gate', Number, gateSettingsSchema.parse({}).lossMax)
  .option('--seed <n>', 'seed', numberFrom(1, 1e9), 1)
  .option('--json', 'print JSON')
  .parse()
  .opts<{
    candidates: number;
    lifetimes: number;
    each: number;
    decisions: number;
    runs: number;
    effects: string[];
    alpha: number;
    loss: number;
    seed: number;
    json?: true;
  }>();

const { candidates, lifetimes, each, decisions, runs, alpha, loss, seed } = options;
const say = (line: string): void => void (options.json || process.stdout.write(`${line}\n`));
const settingsFor = (decisionsMax: number) =>
  gateSettingsSchema.parse({
    alpha,
    lossMax: loss,
    decisionsMin: 50,
    decisionsMax,
    patience: decisionsMax,
    effectiveMin: 20,
  });
const settings = settingsFor(decisions);

/** Of the first candidate: the one with the largest share of the budget. */
const levelFirst = (alpha * 6) / Math.PI ** 2;
let judged = 0;
const single = Array.from({ length: candidates }, (_, i) => {
  const one = judgeAll(settings, EQUAL.world, [EQUAL.candidate], seed + i);
  judged += one.verdicts[0]!.decisions;
  return one.promoted;
}).reduce((sum, one) => sum + one, 0);
const upper = clopperPearsonUpper(single, candidates);
say(
  `equal candidates, the first of their learners: ${single} of ${candidates} promoted (at most ${upper.toFixed(4)} at 95 %; ` +
    `stated ${levelFirst.toFixed(4)}); ${judged} looks`,
);

const wrong = Array.from({ length: lifetimes }, (_, i) =>
  judgeAll(settings, EQUAL.world, new Array<readonly number[]>(each).fill(EQUAL.candidate), seed + 1e6 + i),
).filter(({ promoted }) => promoted > 0).length;
const lifetimeUpper = lifetimes === 0 ? 0 : clopperPearsonUpper(wrong, lifetimes);
say(
  `learners with ${each} equal candidates each: ${wrong} of ${lifetimes} promoted any (at most ${lifetimeUpper.toFixed(4)} ` +
    `at 95 %; stated ${alpha})`,
);

const power = options.effects.map((text) => {
  const effect = Number(text);
  const { world, candidate } = betterBy(effect);
  const lives = Array.from({ length: runs }, (_, i) =>
    judgeAll(settingsFor(10 * decisions), world, [candidate], seed + 2e6 + i),
  );
  const through = lives
    .filter(({ promoted }) => promoted > 0)
    .map(({ verdicts }) => verdicts[0]!.decisions)
    .sort((a, b) => a - b);
  const at = (q: number): number | null => through[Math.floor(q * (through.length - 1))] ?? null;
  const row = {
    effect,
    live: worthOf(world.live, world),
    promoted: through.length,
    runs,
    median: at(0.5),
    p90: at(0.9),
  };
  say(
    `better by ${effect} (live ${row.live.toFixed(3)}): ${row.promoted} of ${runs} promoted within ${10 * decisions}; ` +
      `held-out decisions: median ${row.median}, 90 % ${row.p90}`,
  );
  return row;
});

const { world } = RATCHET;
const [live, anchor, between] = [world.live, world.anchor!, RATCHET.candidate].map((shares) => worthOf(shares, world));
const ratcheted = Array.from({ length: runs }, (_, i) =>
  judgeAll(settings, world, [RATCHET.candidate], seed + 3e6 + i),
).filter(({ promoted }) => promoted > 0).length;
say(
  `better than live (${live!.toFixed(3)}), worse than the anchor (${anchor!.toFixed(3)}), at ${between!.toFixed(3)}: ` +
    `${ratcheted} of ${runs} promoted`,
);

if (options.json) {
  const result = {
    alpha,
    levelFirst,
    single,
    candidates,
    upper,
    judged,
    wrong,
    lifetimes,
    each,
    lifetimeUpper,
    power,
    ratcheted,
    runs,
  };
  process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
}
process.exitCode = single / candidates <= levelFirst && (lifetimes === 0 || wrong / lifetimes <= alpha) ? 0 : 1;
