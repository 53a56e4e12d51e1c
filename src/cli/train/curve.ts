/** The learning curve: every episode's return, and the mean of the latest ones. */
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { EpisodeResult } from '../../learners/training/training.js';

/** Episodes that the mean runs over. */
export const CURVE_WINDOW = 100;
/** Points drawn at most; longer curves are thinned evenly. */
const POINTS_MAX = 500;

export interface CurvePoint {
  readonly step: number;
  readonly return: number;
  /** Of the up to `CURVE_WINDOW` episodes that ended here or just before. */
  readonly mean: number;
}

/** One point an episode, or every n-th one of many and always the last. */
export function curveOf(episodes: readonly EpisodeResult[]): CurvePoint[] {
  const stride = Math.ceil(episodes.length / POINTS_MAX);
  const points: CurvePoint[] = [];
  let sum = 0;
  for (const [i, episode] of episodes.entries()) {
    sum += episode.return;
    if (i >= CURVE_WINDOW) sum -= episodes[i - CURVE_WINDOW]!.return;
    if ((episodes.length - 1 - i) % stride !== 0) continue;
    points.push({ step: episode.endedAt, return: episode.return, mean: sum / Math.min(i + 1, CURVE_WINDOW) });
  }
  return points;
}

/** The curve as an SVG document; it needs no browser. */
export async function curveSvg(episodes: readonly EpisodeResult[], title: string): Promise<string> {
  const x = { field: 'step', type: 'quantitative', title: 'environment steps' } as const;
  const spec: TopLevelSpec = {
    title,
    width: 640,
    height: 320,
    background: 'white',
    data: { values: curveOf(episodes) },
    layer: [
      {
        mark: { type: 'point', size: 6, opacity: 0.35, color: '#7a8ca3', filled: true },
        encoding: {
          x,
          y: { field: 'return', type: 'quantitative', title: 'return of an episode', scale: { zero: false } },
        },
      },
      {
        mark: { type: 'line', color: '#c2410c', strokeWidth: 2 },
        encoding: { x, y: { field: 'mean', type: 'quantitative', title: `mean of ${CURVE_WINDOW}` } },
      },
    ],
  };
  const view = new View(parse(compile(spec).spec), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
