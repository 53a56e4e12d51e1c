import { describe, expect, it } from '@jest/globals';
import { curveOf, curveSvg } from './curve.js';

const episodes = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ endedAt: (i + 1) * 10, length: 10, return: i }));

describe('the learning curve', () => {
  it('runs a mean over the episodes there are, and then over the latest hundred', () => {
    const curve = curveOf(episodes(300));
    expect(curve[0]).toEqual({ step: 10, return: 0, mean: 0 });
    expect(curve[9]!.mean).toBe(4.5);
    expect(curve[299]).toEqual({ step: 3000, return: 299, mean: 249.5 });
  });

  it('is thinned, keeps its end, and its means are of all episodes', () => {
    const curve = curveOf(episodes(100_001));
    expect(curve.length).toBeLessThanOrEqual(500);
    expect(curve.at(-1)).toEqual({ step: 1_000_010, return: 100_000, mean: 99_950.5 });
  });

  it('is drawn without a browser, also when there is nothing to draw', async () => {
    const svg = await curveSvg(episodes(20), 'sarsa on Taxi & <co>');
    expect(svg).toMatch(/^<svg /);
    expect(svg).toContain('environment steps');
    expect(svg).toContain('sarsa on Taxi &amp; &lt;co&gt;');
    expect(await curveSvg([], 'nothing')).toMatch(/^<svg /);
  });
});
