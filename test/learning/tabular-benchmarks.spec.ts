/**
 * The table learners on Gymnasium's toy texts, from their transition tables alone, against values computed by dynamic
 * programming. The tables are reference data outside the repository: ATTUNE_DATA_DIR names their folder. The full measure
 * is bench/learning/tabular.ts.
 */
import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  optimalReturn,
  parseTransitionTable,
  returnOf,
  type TransitionTable,
} from '../../src/learners/environments/transition-table.js';
import { measureTabular, TABULAR_LEARNERS } from '../support/tabular-measure.js';

// Without a bound worth the name: a busy machine is no failure.
const DATA = process.env['ATTUNE_DATA_DIR'] ?? join(import.meta.dirname, '..', '..', '..', 'shared', 'data');
const folder = join(DATA, 'rl_reference');
const present = existsSync(join(folder, 'mdp_cliffwalking.json'));
if (!present) process.stderr.write(`skipped: no tables in ${folder}; ATTUNE_DATA_DIR says where the data are\n`);

const read = (name: string): TransitionTable =>
  parseTransitionTable(JSON.parse(readFileSync(join(folder, `mdp_${name}.json`), 'utf8')));

(present ? describe : describe.skip)('table learners on tabular benchmarks', () => {
  it.each([
    ['frozenlake_4x4_slippery', 0.7441902878292689],
    ['frozenlake_8x8_slippery', 0.9132201502016288],
    ['frozenlake_4x4_deterministic', 1],
    ['cliffwalking', -13],
    ['taxi', 7.93],
  ])('%s has the published optimum', (name, optimum) => {
    expect(optimalReturn(read(name))).toBeCloseTo(optimum, 9);
  });

  it('walks along the cliff as badly as the reference where it goes by the first action alone', () => {
    // Always up: a hundred steps at the wall.
    expect(returnOf(read('cliffwalking'), () => 0)).toBe(-100);
  });

  it.each(TABULAR_LEARNERS)('%s walks along the cliff on the shortest way (−13)', async (learner) => {
    const { exact } = await measureTabular(read('cliffwalking'), 'cliffwalking', learner, 1, { steps: 150_000 });
    expect(exact).toBeCloseTo(-13, 9);
  });

  it('Q-learning crosses the slippery lake within 1 % of as often as can be', async () => {
    const table = read('frozenlake_4x4_slippery');
    const { exact, optimum } = await measureTabular(table, 'frozenlake_4x4_slippery', 'q-learning', 1, {
      steps: 150_000,
    });
    expect(exact).toBeGreaterThan(0.99 * optimum);
  });

  it('Q-learning drives the taxi within 1 % of as well as can be', async () => {
    // Making policies of 500 states is what takes the time.
    const seldom = { steps: 300_000, refresh: 3_000 };
    const { exact, optimum } = await measureTabular(read('taxi'), 'taxi', 'q-learning', 1, seldom);
    expect(exact).toBeGreaterThan(0.99 * optimum);
  });
});
