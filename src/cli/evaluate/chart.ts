/** The estimates of an evaluation with their intervals, as an SVG document; it needs no browser. */
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { EvaluateReport } from './report.js';

export async function chartSvg({ estimates, policy, logged, log }: EvaluateReport): Promise<string> {
  const values = estimates.flatMap(({ estimator, estimate, interval }) =>
    estimate === null
      ? []
      : [{ estimator, estimate, low: interval?.low ?? estimate, high: interval?.high ?? estimate }],
  );
  const y = { field: 'estimator', type: 'nominal', title: null, sort: null } as const;
  const spec: TopLevelSpec = {
    title: `${policy}, estimated from ${log.name}`,
    width: 520,
    height: { step: 26 },
    background: 'white',
    data: { values },
    layer: [
      {
        data: { values: [{ logged }] },
        mark: { type: 'rule', strokeDash: [4, 3], color: '#7a8ca3' },
        encoding: { x: { field: 'logged', type: 'quantitative' } },
      },
      {
        mark: { type: 'rule', strokeWidth: 2, color: '#c2410c' },
        encoding: {
          y,
          x: { field: 'low', type: 'quantitative', title: 'reward of a decision', scale: { zero: false } },
          x2: { field: 'high' },
        },
      },
      {
        mark: { type: 'point', filled: true, size: 60, color: '#c2410c' },
        encoding: { y, x: { field: 'estimate', type: 'quantitative' } },
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
