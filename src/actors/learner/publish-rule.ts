/** When a learner publishes, and the reason it did or did not. */

/** What there is to publish, and what has been since. */
export interface PublishState {
  /** Experiences that were learned and that the live version does not have. */
  readonly unpublished: number;
  /** Experiences that the live version has and that are still to be learned again, after a crash cost them. */
  readonly behind: number;
  /** Since the last publication, by the clock of this host; Infinity where there was none. */
  readonly sinceMs: number;
  /** Sequences of the stream that were read since the last publication, or since the start. */
  readonly sequences: number;
  /** Nothing more is there to read. */
  readonly idle: boolean;
}

export interface PublishRule {
  readonly batchSize: number;
  readonly publishEvery: number;
  readonly publishMinMs: number;
}

/**
 * `first`: nothing was ever published; `enough`: so many batches were read; `idle`: there is nothing more to read.
 * Otherwise `nothing-new`, `behind` while it
 * learns again what the live version knows, `too-soon` after the last publication, or `gathering` until there are enough batches. With a
 * gate, what would be published is put on trial instead, and `on-trial` is why nothing else is meanwhile.
 */
export type PublishReason =
  'first' | 'enough' | 'idle' | 'nothing-new' | 'behind' | 'too-soon' | 'gathering' | 'on-trial';

export interface PublishVerdict {
  readonly publish: boolean;
  readonly code: PublishReason;
  /** In words, with the numbers it was judged by. */
  readonly text: string;
}

export function judgePublish(state: PublishState, rule: PublishRule): PublishVerdict {
  const { unpublished, behind, sinceMs, sequences, idle } = state;
  const { publishMinMs } = rule;
  const needed = rule.batchSize * rule.publishEvery;
  if (unpublished === 0) return wait('nothing-new', 'The live version has everything that was learned.');
  if (behind > 0)
    return wait('behind', `The live version knows ${behind} experiences more, which are being learned again.`);
  const fresh = `${unpublished} experiences learned since the live version`;
  if (!idle && sequences < needed)
    return wait('gathering', `${fresh}; ${sequences} of ${needed} sequences read for the next one.`);
  if (sinceMs < publishMinMs)
    return wait('too-soon', `${fresh}; published ${Math.round(sinceMs)} ms ago, and not before ${publishMinMs} ms.`);
  return idle
    ? { publish: true, code: 'idle', text: `${fresh}, and nothing more to read.` }
    : { publish: true, code: 'enough', text: `${fresh}; ${sequences} of ${needed} sequences read.` };
}

/** Before anything else: a surface is to have some version of its learner's policy. */
export const FIRST_VERDICT: PublishVerdict = Object.freeze({
  publish: true,
  code: 'first',
  text: 'Nothing was published before.',
});

/** While a gate judges a candidate, whatever is learned waits; `told` is what it says of the evidence. */
export const onTrial = (told: string): PublishVerdict => wait('on-trial', told);

const wait = (code: PublishReason, text: string): PublishVerdict => ({ publish: false, code, text });
