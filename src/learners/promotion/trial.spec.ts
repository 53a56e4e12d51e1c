import { describe, expect, it } from '@jest/globals';
import { EVEN, heldOut, policyOf } from '../../../test/support/promotion-fixtures.js';
import { savedTrialSchema } from './gate-state.js';
import { gateSettingsSchema } from './settings.js';
import { Trial } from './trial.js';

const BAD = [0.8, 0.15, 0.05];
const FAIR = [0.25, 0.35, 0.4];
const GOOD = [0.05, 0.15, 0.8];

const settingsWith = (part: object = {}) =>
  gateSettingsSchema.parse({ decisionsMin: 50, decisionsMax: 4_000, patience: 4_000, weightMax: 10, ...part });

function trialOf(challenger: readonly number[], live: readonly number[], anchor: readonly number[], part: object = {}) {
  const contestants = { challenger: policyOf(3, challenger), live: policyOf(2, live), anchor: policyOf(1, anchor) };
  const resume = (trial: Trial): Trial =>
    new Trial(settings, 1, contestants, savedTrialSchema.parse(JSON.parse(JSON.stringify(trial.save()))));
  const settings = settingsWith(part);
  return { trial: new Trial(settings, 1, contestants), resume };
}

/** Adds decisions until there is a verdict, and tells what it was. */
function settle(trial: Trial, seed = 1) {
  const log = heldOut(seed);
  for (let n = 0; n < 5_000 && trial.verdict().outcome === 'undecided'; n++) trial.add(log.next().value);
  return trial.verdict();
}

describe('a trial', () => {
  it('that is broken off after any decision goes on with all its evidence, against the anchor as against the live policy', () => {
    const { trial: whole, resume } = trialOf(FAIR, EVEN, BAD);
    let resumed = resume(whole);
    const log = heldOut(4);
    for (let n = 0; n < 300; n++) {
      const one = log.next().value;
      whole.add(one);
      resumed.add(one);
      resumed = resume(resumed);
      expect(resumed.verdict()).toEqual(whole.verdict());
    }
    const { live, anchor } = whole.verdict();
    expect(anchor.evidence).toBeGreaterThan(1);
    expect(anchor.evidence).not.toBeCloseTo(live.evidence, 3);
    expect(anchor.version).toBe(1);
  });

  it.each([
    ['live policy, and hardly better than the anchor', BAD, FAIR],
    ['anchor, and hardly better than the live policy', FAIR, BAD],
  ])('promotes nothing that is much better than the %s', (_, live, anchor) => {
    const { trial } = trialOf([0.24, 0.35, 0.41], live, anchor);
    const log = heldOut(2);
    for (let n = 0; n < 1_500; n++) {
      trial.add(log.next().value);
      expect(trial.verdict().outcome).not.toBe('promoted');
    }
    const { live: overLive, anchor: overAnchor, evidenceNeeded } = trial.verdict();
    const evidence = [overLive.evidenceMax, overAnchor.evidenceMax];
    expect(Math.max(...evidence)).toBeGreaterThan(evidenceNeeded);
    expect(Math.min(...evidence)).toBeLessThan(evidenceNeeded);
  });

  it('promotes what is better than both, and both are shown so', () => {
    const verdict = settle(trialOf(GOOD, EVEN, BAD).trial);
    expect(verdict).toMatchObject({ outcome: 'promoted', reason: 'better' });
    expect(verdict.live.evidenceMax).toBeGreaterThanOrEqual(verdict.evidenceNeeded);
    expect(verdict.anchor.evidenceMax).toBeGreaterThanOrEqual(verdict.evidenceNeeded);
  });

  it.each([
    ['anchor', BAD, GOOD],
    ['live policy', GOOD, BAD],
  ])('rejects what is worse than the %s alone', (reference, live, anchor) => {
    const verdict = settle(trialOf(EVEN, live, anchor).trial);
    expect(verdict).toMatchObject({ outcome: 'rejected', reason: 'worse' });
    expect(verdict.text).toContain(`Worse than the ${reference}`);
  });

  it('keeps what a handful of weights carries from going live, however many decisions there were', () => {
    // Nearly all of its probability is on one candidate of three: of 3 decisions 1 says something.
    const part = { effectiveMin: 900, decisionsMax: 2_000 };
    const { trial } = trialOf([0.001, 0.001, 0.998], EVEN, BAD, part);
    const log = heldOut(5);
    for (let n = 0; n < 1_200; n++) trial.add(log.next().value);
    const verdict = trial.verdict();
    expect(verdict.decisions).toBe(1_200);
    expect(verdict.live.evidenceMax).toBeGreaterThan(verdict.evidenceNeeded);
    expect(verdict).toMatchObject({ outcome: 'undecided', reason: 'guarded' });
    expect(verdict.effectiveSamples).toBeLessThan(900);
  });

  it('gives no verdict before the least number of decisions, whatever speaks for it', () => {
    const { trial } = trialOf(GOOD, BAD, BAD, { decisionsMin: 400 });
    const log = heldOut(6);
    for (let n = 0; n < 399; n++) trial.add(log.next().value);
    expect(trial.verdict()).toMatchObject({ outcome: 'undecided', reason: 'gathering' });
    expect(trial.verdict().live.evidenceMax).toBeGreaterThan(trial.verdict().evidenceNeeded);
    trial.add(log.next().value);
    expect(trial.verdict()).toMatchObject({ outcome: 'promoted', decisions: 400 });
  });

  it('of a later candidate takes more evidence', () => {
    const contestants = { challenger: policyOf(3, GOOD), live: policyOf(2, EVEN), anchor: policyOf(1, EVEN) };
    const needed = [1, 2, 10].map((number) => new Trial(settingsWith(), number, contestants).verdict().evidenceNeeded);
    expect(needed[0]).toBeCloseTo(-Math.log((0.05 * 6) / Math.PI ** 2), 12);
    expect(needed[1]! - needed[0]!).toBeCloseTo(2 * Math.log(2), 12);
    expect(needed[2]! - needed[0]!).toBeCloseTo(2 * Math.log(10), 12);
  });
});
