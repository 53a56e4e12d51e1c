/** What an evaluation found, as text for people. Machines get the report as it is. */
import type { Estimate, Evaluation } from '../../learners/evaluation/evaluate.js';
import type { LogReport } from './read-log.js';
import { textTable } from './text-table.js';

export interface EvaluateReport extends Evaluation {
  readonly log: LogReport & { readonly name: string; readonly format: string };
}

/** Bad lines that are shown; all counted. */
const BAD_SHOWN_MAX = 5;
const PLOT_WIDTH = 48;
/** Coverage this far below the level is worth a line. */
const COVERAGE_SHORT = 0.01;

export function reportText(report: EvaluateReport): string {
  const { log, policy, decisions, position, logged, level, model, thresholds } = report;
  const where = position === undefined ? '' : `, position ${position + 1}`;
  const lines = [
    `${log.name}: ${log.lines} lines, ${decisions} decisions${where}, mean reward in the log ${short(logged)}`,
    ...skippedLines(report),
    `policy ${policy}; intervals of ${percent(level)}; reward model: ${'kind' in model ? model.kind : `none, ${model.missing}`}`,
    `thresholds: clip ${thresholds.clip}, τ ${shown(thresholds.tau)}, λ ${shown(thresholds.lambda)}`,
    '',
    ...table(report.estimates),
    '',
    ...coverageLine(report),
    anytimeLine(report),
    ...plot(report),
  ];
  return `${lines.join('\n')}\n`;
}

function skippedLines({ log, without }: EvaluateReport): string[] {
  const skipped = Object.entries(log.skipped).map(([reason, count]) => `${count} ${reason}`);
  if (without > 0) skipped.push(`${without} without this position`);
  return [
    ...(skipped.length === 0 ? [] : [`passed over: ${skipped.join(', ')}`]),
    ...(log.badCount === 0 ? [] : [`bad lines: ${log.badCount}`]),
    ...log.bad.slice(0, BAD_SHOWN_MAX).map(({ line, code, message }) => `  line ${line}: ${code}: ${message}`),
  ];
}

function table(estimates: readonly Estimate[]): string[] {
  const head = ['estimator', 'estimate', 'low', 'high', 'eff. sample', 'max weight', 'mean weight', 'clipped'];
  const rows = estimates.map(({ estimator, estimate, interval, weights, refused }) => [
    estimator,
    estimate === null ? 'refused' : short(estimate),
    short(interval?.low),
    short(interval?.high),
    weights === null ? '' : weights.effectiveSampleSize.toFixed(1),
    weights === null ? '' : weights.max.toFixed(2),
    weights === null ? '' : weights.mean.toFixed(3),
    weights === null ? '' : percent(weights.clippedShare),
    ...(refused === null ? [] : [`${refused.code}: ${refused.why}`]),
  ]);
  return textTable(head, rows);
}

/** Intervals that are narrower than they say. */
function coverageLine({ estimates, level }: EvaluateReport): string[] {
  const short = estimates.filter(({ coverage }) => coverage !== null && coverage < level - COVERAGE_SHORT);
  if (short.length === 0) return [];
  const each = short.map(({ estimator, coverage }) => `${estimator} ${percent(coverage!)}`).join(', ');
  return [`of synthetic logs, intervals of ${percent(level)} held the truth in: ${each}`];
}

function anytimeLine({ anytime }: EvaluateReport): string {
  return 'refused' in anytime
    ? `no anytime-valid interval: ${anytime.refused}`
    : `anytime-valid: ${short(anytime.low)} to ${short(anytime.high)} (weights clipped at ${anytime.clip})`;
}

/** Intervals as bars on one axis, the estimate on each, and the log's own mean as a line through them. */
function plot({ estimates, logged }: EvaluateReport): string[] {
  const drawn = estimates.filter(({ estimate }) => estimate !== null);
  if (drawn.length === 0) return [];
  const numbers = drawn.flatMap(({ estimate, interval }) => [
    estimate!,
    ...(interval ? [interval.low, interval.high] : []),
  ]);
  const [low, high] = [Math.min(logged, ...numbers), Math.max(logged, ...numbers)];
  if (!(high > low)) return [];
  const at = (value: number): number => Math.round(((value - low) / (high - low)) * (PLOT_WIDTH - 1));
  const width = Math.max(...drawn.map(({ estimator }) => estimator.length));
  const bars = drawn.map(({ estimator, estimate, interval }) => {
    const cells = Array.from({ length: PLOT_WIDTH }, (_, c): string =>
      interval !== null && c >= at(interval.low) && c <= at(interval.high) ? '─' : ' ',
    );
    cells[at(logged)] = '│';
    cells[at(estimate!)] = '●';
    return `${estimator.padEnd(width)}  ${cells.join('')}`;
  });
  return [
    '',
    ...bars,
    `${' '.repeat(width)}  ${short(low).padEnd(PLOT_WIDTH - 10)}${short(high).padStart(10)}`,
    '│ the log’s own mean',
  ];
}

const shown = (value: number | null): string =>
  value === null ? '–' : value === Infinity ? 'none' : value < 0 ? 'the model alone' : short(value);
const percent = (share: number): string => `${Number((100 * share).toFixed(1))} %`;

/** Four significant digits. */
function short(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '';
  return String(Number(value.toPrecision(4)));
}
