/** What the engine itself reads of a decision's context; everything else in it is the app's own business. */

interface Bounds {
  readonly min: number;
  readonly max: number;
}

const BOUNDS: Readonly<Record<string, Bounds>> = {
  /** WGS84 degrees. */
  lat: { min: -90, max: 90 },
  lng: { min: -180, max: 180 },
  /** Half the circumference of the earth reaches everywhere. */
  maxDistanceKm: { min: 0, max: 20_038 },
  /** Milliseconds since the epoch: the time asked about, from 1970 to 2100. */
  atMs: { min: 0, max: 4_102_444_800_000 },
};
const NAMES: readonly string[] = Object.keys(BOUNDS);

/** The first field that is no number within its bounds, with its rule; undefined where all is well. */
export function contextProblem(
  context: Readonly<Record<string, unknown>>,
): { readonly key: string; readonly rule: string } | undefined {
  for (const key of NAMES) {
    if (!Object.hasOwn(context, key)) continue;
    const { min, max } = BOUNDS[key]!;
    const value = context[key];
    // Written so that NaN fails it too.
    if (!(typeof value === 'number' && value >= min && value <= max))
      return { key, rule: `must be a number from ${min} to ${max}` };
  }
  return undefined;
}
