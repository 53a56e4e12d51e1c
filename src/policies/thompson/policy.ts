/** Beta-Thompson: each candidate is shown with the probability that it is the best one, given what was learned. */
import { z } from 'zod';
import type { Candidate } from '../../messages/decisions.js';
import type { Policy } from '../policy.js';
import { parametersOf, type PolicySource } from '../source.js';
import { betaTable, type BetaTable } from './beta-table.js';
import { choiceProbabilities, type ArmGroup } from './choice-probabilities.js';

export const BETA_THOMPSON_FAMILY = 'beta-thompson';

/** Tables kept per artifact version; about 2 KB each. */
const TABLES_MAX = 4096;

/** Below ½ a density has no bound in θ and the quadrature no ground: Jeffreys' prior (½, ½) is the least informed. */
const pseudoCount = z.number().min(0.5).max(1e12);
const posterior = z.tuple([pseudoCount, pseudoCount]);

export const thompsonParametersSchema = z.strictObject({
  /** Candidate id → [alpha, beta] of its posterior. */
  arms: z.record(z.string(), posterior),
  /** What stands for a candidate that was never tried. */
  prior: posterior,
});
export type ThompsonParameters = z.infer<typeof thompsonParametersSchema>;

type Posterior = ThompsonParameters['prior'];

/**
 * Throws Configuration `POLICY_PARAMETERS`. Choice probabilities follow Thompson (1933), computed by quadrature instead
 * of by one draw, so that the propensity is known exactly (choice-probabilities.ts).
 */
export function thompsonPolicy(source: PolicySource): Policy {
  const { arms, prior } = parametersOf(thompsonParametersSchema, source);
  const posteriors = new Map<string, Posterior>(Object.entries(arms));
  const tables = new Map<string, BetaTable>();
  const of = (candidate: Candidate): Posterior => posteriors.get(candidate.id) ?? prior;
  const priorTable = betaTable(prior[0], prior[1]);

  const tableOf = (id: string): BetaTable => {
    const arm = posteriors.get(id);
    if (arm === undefined) return priorTable;
    let table = tables.get(id);
    if (table === undefined) {
      // Dropping what is oldest is enough: a table is cheap to make again and the same every time.
      if (tables.size >= TABLES_MAX) tables.delete(tables.keys().next().value!);
      tables.set(id, (table = betaTable(arm[0], arm[1])));
    }
    return table;
  };

  return {
    ref: source.policy,
    distribution(_context, candidates) {
      const { groups, groupOf } = grouped(candidates.map((candidate) => tableOf(candidate.id)));
      const wins = choiceProbabilities(groups);
      return candidates.map((_, i) => wins[groupOf[i]!]!);
    },
    scores: (_context, candidates) => candidates.map((candidate) => meanOf(of(candidate))),
    explain: (_context, candidates, index) => {
      const arm = of(candidates[index]!);
      const mean = meanOf(arm);
      const trials = Math.max(0, arm[0] + arm[1] - prior[0] - prior[1]);
      const percent = Math.round(mean * 1000) / 10;
      const best = candidates.every((other) => meanOf(of(other)) <= mean);
      return [
        trials === 0
          ? { code: 'untried', text: 'It is new here and gets a chance.', contribution: mean }
          : { code: 'mean', text: `It was liked ${percent} % of the time.`, contribution: mean },
        { code: 'trials', text: `Tried about ${Math.round(trials)} times.`, contribution: trials },
        best
          ? { code: 'exploitation', text: 'Nothing else has done better so far.' }
          : { code: 'exploration', text: 'Shown now and then to find out how good it is.' },
      ];
    },
  };
}

const meanOf = ([alpha, beta]: Posterior): number => alpha / (alpha + beta);

/** Candidates that share a table, such as all those never tried, are computed once. */
function grouped(tables: readonly BetaTable[]): { groups: ArmGroup[]; groupOf: number[] } {
  const indexOf = new Map<BetaTable, number>();
  const groups: { table: BetaTable; count: number }[] = [];
  const groupOf = tables.map((table) => {
    let index = indexOf.get(table);
    if (index === undefined) {
      index = groups.length;
      indexOf.set(table, index);
      groups.push({ table, count: 0 });
    }
    groups[index]!.count++;
    return index;
  });
  return { groups, groupOf };
}
