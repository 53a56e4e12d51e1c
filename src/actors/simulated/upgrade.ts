import type { SeededRandom } from '../../kernel/random.js';
import { THIS_BUILD, versionsOf, type Build, type ClusterVersions } from '../../messages/versions.js';

/** From the rise until the last host has heard of it. */
const HEARD_MS_MAX = 3_000;

/**
 * Two builds in one cluster, drawn from the seed: there is the one alone, or both in any order, and now and then all hosts come
 * to run the next one, and the cluster rises.
 */
export class Upgrade {
  readonly newest: Build;
  /** From then on every host that starts runs the next build. Infinity: that never comes. */
  readonly fromMs: number;
  private readonly mixes: boolean;
  private risenMs = Infinity;

  constructor(
    private readonly random: SeededRandom,
    next: Build | undefined,
    untilMs: number,
  ) {
    const [mixes, rises, share] = [random.next() < 0.6, random.next() < 0.6, random.next()];
    this.mixes = next !== undefined && mixes;
    this.newest = this.mixes ? next! : THIS_BUILD;
    this.fromMs = this.mixes && rises ? untilMs * share : Infinity;
  }

  /** Whether nothing of it is still to come. */
  get isOver(): boolean {
    return this.fromMs === Infinity || this.risenMs < Infinity;
  }

  /** The build of a host that starts now. */
  drawBuild(nowMs: number): Build {
    if (!this.mixes) return THIS_BUILD;
    return this.random.next() < 0.5 || nowMs >= this.fromMs ? this.newest : THIS_BUILD;
  }

  /** Every live host knows the newer versions. */
  rise(nowMs: number): void {
    this.risenMs = nowMs;
  }

  /** What a host that starts now takes the cluster's versions for, as it goes: it hears of the rise after a while. */
  watch(startMs: number): (nowMs: number) => ClusterVersions {
    const heardMs = HEARD_MS_MAX * this.random.next();
    return (nowMs) => {
      const isHeard = nowMs >= this.risenMs + heardMs || startMs >= this.risenMs;
      return versionsOf(isHeard ? this.newest : THIS_BUILD);
    };
  }
}
