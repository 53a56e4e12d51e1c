/** The demo's figures as text: a small dashboard, a line, or a closing summary. */
import type { CampaignView } from './setting-up.js';
import type { MeterReading, RewardMeans, SurfaceRewards } from './meter.js';

export interface DemoReading extends MeterReading {
  readonly url: string;
  /** URL of the nats-server, for apps. */
  readonly nats: string;
  /** Hour of the city's day, 0 to 24. */
  readonly cityHour: number;
  readonly remembered: number;
  readonly campaigns: readonly CampaignView[];
  /** Zones by mode. */
  readonly zones: Readonly<Record<string, number>>;
  readonly learners: readonly LearnerView[];
}

/** What the demo shows of a learner. */
export interface LearnerView {
  readonly policy: string;
  readonly mode: string;
  /** The live version; null before the first. */
  readonly version: number | null;
  readonly learned: number;
  /** How much less is earned than by always showing the best; null while that is not known. */
  readonly regretProxy: number | null;
}

/** A point is 5 s; with the text around it the line fits the usual 80 columns. */
const CURVE_POINTS = 30;
const NAME_COLUMNS = 14;
const PAIR_COLUMNS = 16;
const BARS = '▁▂▃▄▅▆▇█';

/** Fits a terminal of 80 columns and 24 rows. */
export function dashboard(reading: DemoReading): string {
  const { url, nats, latencyMs, cityHour, zones } = reading;
  return [
    `Attune demo   ${clockText(reading.seconds)} running, ${String(Math.floor(cityHour)).padStart(2, '0')}:00 in the city`,
    '',
    `  API        ${url}, with /docs and /metrics`,
    `  NATS       ${nats}`,
    '',
    `  decisions  ${whole(reading.decisions)}   ${whole(reading.decisionsPerSecond)}/s   ` +
      `P50 ${ms(latencyMs.p50)}  P95 ${ms(latencyMs.p95)}  P99 ${ms(latencyMs.p99)}`,
    `  events     ${whole(reading.eventsAccepted)} accepted, ${whole(reading.eventsRejected)} rejected` +
      (reading.failures === 0 ? '' : `   failures ${failuresText(reading)}`),
    `  answers    ${percent(reading.personalized)} personalized, ${percent(reading.fallbacks)} by a fallback, ` +
      `${percent(reading.degraded)} degraded`,
    ...reading.learners.map((learner, i) => `  ${i === 0 ? 'learners' : '        '}   ${learnerText(learner)}`),
    `  zones      ${
      Object.entries(zones)
        .map(([mode, n]) => `${n} ${mode}`)
        .join(', ') || 'none yet'
    }`,
    `  spent, $   ${reading.campaigns.map(shortBudgetText).join(', ')}`,
    '',
    '  Expected reward of a decision, last minute (whole run)',
    ...rewardLines(reading.rewards),
    '',
    ...reading.rewards.map(
      ({ surface, curve }) => `  ${surface.padEnd(NAME_COLUMNS)} ${overBaselineText(curveText(curve))}`,
    ),
    '  Ctrl-C stops everything.',
  ].join('\n');
}

/** For logs and pipes. */
export function statusLine(reading: DemoReading): string {
  const { latencyMs, rewards } = reading;
  const lifts = rewards.map(({ surface, recent }) => `${surface} ${signed(recent.lift)}`).join(', ');
  return (
    `${clockText(reading.seconds)}  ${whole(reading.decisions)} decisions, ${whole(reading.decisionsPerSecond)}/s, ` +
    `P50 ${ms(latencyMs.p50)} P95 ${ms(latencyMs.p95)} P99 ${ms(latencyMs.p99)}; over the baseline: ${lifts || '-'}` +
    (reading.failures === 0 ? '' : `; failures ${failuresText(reading)}`)
  );
}

export function summary(reading: DemoReading): string {
  const { latencyMs } = reading;
  return [
    '',
    `${whole(reading.decisions)} decisions in ${reading.seconds.toFixed(0)} s (${whole(reading.decisions / reading.seconds)}/s), ` +
      `latency of the last seconds: P50 ${ms(latencyMs.p50)}, P95 ${ms(latencyMs.p95)}, P99 ${ms(latencyMs.p99)}`,
    `${whole(reading.eventsAccepted)} events accepted, ${whole(reading.eventsRejected)} rejected; failures ${failuresText(reading)}`,
    `budgets: ${reading.campaigns.map(budgetText).join(', ')}`,
    `learners: ${learnersText(reading)}`,
    '',
    'Expected reward of a decision, last minute (whole run)',
    ...rewardLines(reading.rewards),
    ...reading.rewards.map(
      ({ surface, opening, recent }) =>
        `  ${surface.padEnd(16)} ${signed(opening.lift)} over the baseline at first, ${signed(recent.lift)} in the last minute`,
    ),
    '',
  ].join('\n');
}

function rewardLines(rewards: readonly SurfaceRewards[]): string[] {
  const head = `  ${''.padEnd(NAME_COLUMNS)}${['served', 'baseline', 'best', 'over baseline'].map((text) => text.padStart(PAIR_COLUMNS)).join('')}`;
  const pair = (recent: RewardMeans, all: RewardMeans, text: (means: RewardMeans) => string): string =>
    `${text(recent)} (${text(all)})`.padStart(PAIR_COLUMNS);
  return [
    head,
    ...rewards.map(
      ({ surface, recent, whole: all }) =>
        `  ${surface.padEnd(NAME_COLUMNS)}` +
        pair(recent, all, ({ served }) => served.toFixed(3)) +
        pair(recent, all, ({ baseline }) => baseline.toFixed(3)) +
        pair(recent, all, ({ best }) => best.toFixed(3)) +
        pair(recent, all, ({ lift }) => signed(lift)),
    ),
  ];
}

/** The latest points, scaled between the lowest and the highest of them. */
export function curveText(curve: readonly (number | undefined)[]): string {
  const points = curve.slice(-CURVE_POINTS);
  const known = points.filter((point) => point !== undefined);
  if (known.length === 0) return '';
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const step = (high - low) / (BARS.length - 1);
  const bars = points.map((point) =>
    point === undefined ? ' ' : BARS[step === 0 ? 0 : Math.round((point - low) / step)]!,
  );
  return `${bars.join('')} ${signed(low)} to ${signed(high)}`;
}

const overBaselineText = (curve: string): string =>
  curve === '' ? 'its curve begins soon' : `${curve} over it, by 5 s`;

const learnersText = ({ learners }: DemoReading): string => learners.map(learnerText).join(', ') || 'none';

const learnerText = ({ policy, mode, version, learned, regretProxy }: LearnerView): string =>
  `${policy} ${version === null ? '' : `v${version} `}(${mode}, ${whole(learned)} learned` +
  `${regretProxy === null ? '' : `, regret ${regretProxy.toFixed(2)}`})`;

const failuresText = ({ failures, failuresByCode }: MeterReading): string =>
  failures === 0
    ? '0'
    : Object.entries(failuresByCode)
        .map(([code, n]) => `${code}: ${whole(n)}`)
        .join(', ');

const budgetText = ({ id, status, spentCents, budgetCents }: CampaignView): string =>
  `${id} $${whole(spentCents / 100)} of $${whole(budgetCents / 100)}${status === 'live' ? '' : ` (${status})`}`;

const shortBudgetText = ({ id, status, spentCents, budgetCents }: CampaignView): string =>
  `${id} ${whole(spentCents / 100)}/${compact(budgetCents / 100)}${status === 'live' ? '' : ` (${status})`}`;

const clockText = (seconds: number): string =>
  `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
const compact = (n: number): string => n.toLocaleString('en-US', { notation: 'compact' });
const whole = (n: number): string => Math.round(n).toLocaleString('en-US');
const ms = (n: number): string => `${n.toFixed(1)} ms`;
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const signed = (lift: number): string => `${lift >= 0 ? '+' : ''}${(lift * 100).toFixed(0)} %`;
