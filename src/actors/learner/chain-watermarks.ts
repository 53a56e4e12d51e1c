/**
 * Which outputs of which partition have been counted. All experience of one partition is one chain, whatever its
 * surface, so a learner follows the chain of the whole stream.
 */
import { z } from 'zod';
import type { Chain } from '../../messages/records.js';

const place = z.tuple([z.number().int().nonnegative(), z.number().int().nonnegative()]);

export const savedWatermarksSchema = z.strictObject({
  /** `<partition>:<journal identity>`, place of the last output applied, and whether the next one must follow it. */
  marks: z.array(z.tuple([z.string(), place, z.boolean()])),
  /** Part of the stream was gone before it was read: chains that are new here may begin anywhere. */
  late: z.boolean(),
});
export type SavedWatermarks = z.infer<typeof savedWatermarksSchema>;

interface Mark {
  at: readonly [sequence: number, index: number];
  strict: boolean;
}

/** `past`: counted already. `ahead`: an output before it has not come yet; both will come again after it. */
export type ChainVerdict = 'next' | 'past' | 'ahead';

export class ChainWatermarks {
  readonly #marks: Map<string, Mark>;
  #late: boolean;

  constructor(saved: SavedWatermarks = { marks: [], late: false }) {
    this.#marks = new Map(saved.marks.map(([source, at, strict]) => [source, { at, strict }]));
    this.#late = saved.late;
  }

  /** Judges an output and, if it is the next of its chain, moves the watermark to it. */
  offer(chain: Chain): ChainVerdict {
    const source = `${chain.p}:${chain.src}`;
    const mark = this.#marks.get(source);
    const [sequence, index] = mark?.at ?? [0, 0];
    if (chain.seq < sequence || (chain.seq === sequence && chain.idx <= index)) return 'past';
    const strict = mark?.strict ?? !this.#late;
    // As hosts do: a predecessor below the watermark cannot be missing, since its source was rebuilt from a journal
    // without its beginning and counts its chain from there.
    if (strict && (chain.prev[0] > sequence || (chain.prev[0] === sequence && chain.prev[1] > index))) return 'ahead';
    this.#marks.set(source, { at: [chain.seq, chain.idx], strict: true });
    return 'next';
  }

  /** Part of the stream is gone unread: each chain goes on with whatever comes next above its watermark. */
  rejoin(): void {
    this.#late = true;
    for (const mark of this.#marks.values()) mark.strict = false;
  }

  save(): SavedWatermarks {
    return {
      marks: [...this.#marks].map(([source, { at, strict }]) => [source, [at[0], at[1]], strict]),
      late: this.#late,
    };
  }
}
