/** Acts on a table of action values: greedily but for a share of exploration, or softly. */
import { z } from 'zod';
import type { Candidate, PolicyRef } from '../../messages/decisions.js';
import { numbersByKeys } from '../evidence-rows.js';
import { epsilonGreedy, softmax } from '../exploration.js';
import type { DecisionContext, Policy } from '../policy.js';
import { GroupTable, packGroups, readNumber, type PackedGroups } from '../row-table.js';
import { rounded } from '../rounded.js';
import { learnedFamily, parametersOf } from '../source.js';

export const Q_TABLE_FAMILY = 'q-table';

const finite = z.number().refine(Number.isFinite, 'must be finite');
const byStateAndAction = numbersByKeys({ min: -Number.MAX_VALUE, max: Number.MAX_VALUE });

export const qTableParametersSchema = z.strictObject({
  /** State → action (candidate id) → value. */
  q: byStateAndAction,
  /** State → action → how often it was learned from; only for explanations. */
  counts: byStateAndAction.default({}),
  /** The value of an action that is not in the table. */
  initial: finite.default(0),
  exploration: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('epsilon-greedy'), epsilon: z.number().min(0).max(1) }),
    /** Boltzmann: p ∝ exp(q/temperature). */
    z.strictObject({ kind: z.literal('softmax'), temperature: z.number().positive().max(1e9) }),
  ]),
});
export type QTableParameters = z.infer<typeof qTableParametersSchema>;

/**
 * Throws Configuration `POLICY_PARAMETERS`. Candidates with equal values are equally likely, so a state that was never
 * seen gets the uniform distribution.
 */
export const qTablePolicy = learnedFamily((source): QTableForm => {
  const { q, counts, ...rest } = parametersOf(qTableParametersSchema, source);
  return { ...rest, q: packGroups(q, 1), counts: packGroups(counts, 1) };
}, policyOfForm);

interface QTableForm extends Pick<QTableParameters, 'initial' | 'exploration'> {
  readonly q: PackedGroups;
  readonly counts: PackedGroups;
}

function policyOfForm(ref: PolicyRef, { q, counts, initial, exploration }: QTableForm): Policy {
  const table = new GroupTable(q, readNumber);
  const tried = new GroupTable(counts, readNumber);
  const values = (context: DecisionContext, candidates: readonly Candidate[]): number[] => {
    const row = context.state === undefined ? undefined : table.group(context.state);
    return candidates.map((candidate) => row?.get(candidate.id) ?? initial);
  };
  const toProbabilities =
    exploration.kind === 'softmax'
      ? (v: number[]): number[] => softmax(v, exploration.temperature)
      : (v: number[]): number[] => epsilonGreedy(v, exploration.epsilon);

  return {
    ref,
    distribution: (context, candidates) => toProbabilities(values(context, candidates)),
    scores: values,
    explain(context, candidates, index) {
      const all = values(context, candidates);
      const { id } = candidates[index]!;
      const value = all[index]!;
      const { state = '' } = context;
      const trials = tried.group(state)?.get(id) ?? 0;
      const known = context.state !== undefined && table.group(state)?.get(id) !== undefined;
      const best = all.every((other) => other <= value);
      return [
        known
          ? { code: 'value', text: `It is worth ${rounded(value)} in situations like this one.`, contribution: value }
          : { code: 'untried', text: 'It was not tried in a situation like this one yet.', contribution: value },
        { code: 'trials', text: `Tried ${trials} times in such situations.`, contribution: trials },
        best
          ? { code: 'exploitation', text: 'Nothing else promises more.' }
          : { code: 'exploration', text: 'Shown now and then to find out how good it is.' },
      ];
    },
  };
}
