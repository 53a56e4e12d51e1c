/** What a plug-in gives back, checked before it is counted or stored: a wrong answer must not outlive the call. */
import { EngineError } from '../../kernel/errors.js';
import type { AnyLearnerPlugin, UpdateReport } from '../../learners/learner.js';

/** Throws Invariant `LEARNER_REPORT_INVALID`. */
export function checkedReport(report: unknown, batchLength: number): UpdateReport {
  const { learned, lossSum } = (report ?? {}) as { learned?: unknown; lossSum?: unknown };
  const counts = typeof learned === 'number' && Number.isInteger(learned) && learned >= 0 && learned <= batchLength;
  if (counts && (lossSum === undefined || typeof lossSum === 'number')) return report as UpdateReport;
  const what = counts ? 'lossSum must be a number' : `learned must be a count from 0 to ${batchLength}`;
  throw new EngineError('Invariant', 'LEARNER_REPORT_INVALID', `The learner's report of an update is wrong: ${what}.`);
}

/** Words of an operator's length; they decide nothing, so what is none is left out. */
const RUNTIME_LENGTH_MAX = 200;

/** What a learner says it computes with; undefined where it says nothing readable. */
export const checkedRuntime = (runtime: unknown): string | undefined =>
  typeof runtime === 'string' && runtime !== '' ? runtime.slice(0, RUNTIME_LENGTH_MAX) : undefined;

/** Throws Invariant `LEARNER_STATE_INVALID`: stored, such a state could never be loaded again. */
export function checkState(plugin: AnyLearnerPlugin, state: unknown): void {
  const parsed = plugin.stateSchema.safeParse(state);
  if (parsed.success) return;
  const issue = parsed.error.issues[0]!;
  throw new EngineError(
    'Invariant',
    'LEARNER_STATE_INVALID',
    `The learner's snapshot does not fit its own schema: ${issue.path.join('.')}: ${issue.message}.`,
  );
}
