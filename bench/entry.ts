/** What every entry of the bench is and gives. */

export interface Result {
  /** Stable, as in `decisions.rate`: results of two runs are compared by it. */
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What is promised; undefined where nothing is. */
  readonly target?: number | undefined;
  /** What cannot be passed here, measured in the same run: the bare client and server, the best in hindsight. */
  readonly limit?: number | undefined;
  /** Whether a larger value is the better one. */
  readonly better: 'more' | 'less';
}

export interface EntryContext {
  /** Tells a person how far it is. */
  readonly say: (line: string) => void;
  /** How long memory is watched by the soak. */
  readonly soakSeconds: number;
}

export interface Entry {
  readonly name: string;
  readonly about: string;
  /** Runs in a process of its own, so that no entry inherits another one's heap. Rejects where it could not measure. */
  run(context: EntryContext): Promise<Result[]>;
}

export const more = (name: string, value: number, unit: string, bounds: Bounds = {}): Result => ({
  name,
  value,
  unit,
  better: 'more',
  ...bounds,
});

export const less = (name: string, value: number, unit: string, bounds: Bounds = {}): Result => ({
  name,
  value,
  unit,
  better: 'less',
  ...bounds,
});

type Bounds = Pick<Result, 'target' | 'limit'>;

/** Undefined where nothing was promised. */
export function meetsTarget({ value, target, better }: Result): boolean | undefined {
  if (target === undefined) return undefined;
  return better === 'more' ? value >= target : value <= target;
}
