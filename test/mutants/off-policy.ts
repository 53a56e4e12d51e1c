import type { MutantArea } from './mutant.js';

const ESTIMATORS = 'src/learners/evaluation/estimators.spec.ts';
const SLATES = 'src/learners/evaluation/slate-estimators.spec.ts';
const REFUSAL = 'src/learners/evaluation/refusal.spec.ts';
const BOOTSTRAP = 'src/learners/evaluation/bootstrap.spec.ts';
const TARGET = 'src/learners/evaluation/target.spec.ts';

export const OFF_POLICY: MutantArea = {
  area: 'off-policy evaluation',
  mutants: [
    {
      id: 'ope-snips-by-count',
      file: 'src/learners/evaluation/estimators.ts',
      find: "'SNIPS', weights: 'choice', model: false, coverage: 0.933, value: (s) => s[S.wr]! / s[S.w]!",
      replace: "'SNIPS', weights: 'choice', model: false, coverage: 0.933, value: (s) => s[S.wr]! / s[S.n]!",
      why: 'The self-normalised estimate is not normalised.',
      nets: [ESTIMATORS],
    },
    {
      id: 'ope-dr-without-its-correction',
      file: 'src/learners/evaluation/estimators.ts',
      find: 'rows[at + S.residual] = stands * w * residual;',
      replace: 'rows[at + S.residual] = stands * residual;',
      why: "The doubly robust correction is not weighed by the target's choices.",
      nets: [ESTIMATORS],
    },
    {
      id: 'ope-switch-turned-round',
      file: 'src/learners/evaluation/estimators.ts',
      find: 'w <= tau ? stands * w * residual : 0',
      replace: 'w > tau ? stands * w * residual : 0',
      why: 'Switch-DR trusts the model where weights are small.',
      nets: [ESTIMATORS],
    },
    {
      id: 'ope-shrinkage-wrong',
      file: 'src/learners/evaluation/estimators.ts',
      find: '(lambda * w) / (w * w + lambda)',
      replace: '(lambda * w) / (w + lambda)',
      why: 'DRos shrinks weights by another formula than that of its paper.',
      nets: [ESTIMATORS],
    },
    {
      id: 'ope-prefix-without-its-own-choice',
      file: 'src/learners/evaluation/slate-estimators.ts',
      find: 'rows[position + P.prefix]! += stands * prefix;',
      replace: 'rows[position + P.prefix]! += (stands * prefix) / w;',
      why: "A position's prefix weight leaves out the position.",
      nets: [SLATES],
    },
    {
      id: 'ope-pseudo-inverse-off-by-one',
      file: 'src/learners/evaluation/slate-estimators.ts',
      find: '(sumOfWeights - (end - start) + 1)',
      replace: '(sumOfWeights - (end - start))',
      why: 'The pseudo-inverse estimate of the logging policy is 0.',
      nets: [SLATES],
    },
    {
      id: 'ope-effective-size-by-count',
      file: 'src/learners/evaluation/weights.ts',
      find: 'this.#squares += stands * stands * w * w;',
      replace: 'this.#squares += stands * stands * w;',
      why: 'The effective sample size is not that of Kish, and hardly ever too small.',
      nets: [REFUSAL, 'src/learners/evaluation/evaluate.spec.ts'],
    },
    {
      id: 'ope-wrong-propensities-accepted',
      file: 'src/learners/evaluation/weights.ts',
      find: 'return z <= MEAN_RULES.z || off <=',
      replace: 'return z <= MEAN_RULES.z || 0 <=',
      why: 'A log whose propensities are wrong is estimated from.',
      nets: [REFUSAL],
    },
    {
      id: 'ope-unsupported-accepted',
      file: 'src/learners/evaluation/refusal.ts',
      find: "return refuse('ESTIMATE_NO_SUPPORT',",
      replace: "void refuse('ESTIMATE_NO_SUPPORT',",
      why: 'A policy that does what the log could not do is estimated from it.',
      nets: [REFUSAL],
    },
    {
      id: 'ope-bca-bias-turned-round',
      file: 'src/learners/evaluation/bootstrap.ts',
      find: 'normalCdf(z0 + (z0 + z) /',
      replace: 'normalCdf((z0 + z) /',
      why: 'The bias correction of BCa is half of what it should be.',
      nets: [BOOTSTRAP],
    },
    {
      id: 'ope-bootstrap-block-forgotten',
      file: 'src/learners/evaluation/bootstrap.ts',
      find: 'Math.floor((i * BLOCKS_MAX) / count)',
      replace: 'i % BLOCKS_MAX',
      why: 'Blocks are not of neighbours, so that what depends on its neighbour is resampled as if it did not.',
      nets: [BOOTSTRAP],
    },
    {
      id: 'ope-target-not-conditional',
      file: 'src/learners/evaluation/conditionals.ts',
      find: '((1 - floor) * b) / mass',
      replace: '(1 - floor) * b',
      why: 'The target is not asked given what stands before a position.',
      nets: [TARGET],
    },
    {
      id: 'ope-frequencies-of-all-positions',
      file: 'src/learners/evaluation/target.ts',
      find: 'const counts = this.#counts.get(position);',
      replace: 'const counts = this.#counts.get(0);',
      why: 'Frequencies of the first position stand for all.',
      nets: [TARGET],
    },
    {
      id: 'ope-uniform-over-all-actions',
      file: 'src/learners/evaluation/target.ts',
      find: 'const share = 1 / eligible.length;',
      replace: 'const share = 1 / (eligible.length + 1);',
      why: 'The uniform target does not add up to 1.',
      nets: [TARGET],
    },
  ],
};
