/** Turns what is known at a decision into the vector that a feature spec declares. */
import { fnv1a } from '../../kernel/ids.js';
import type { Candidate, Experience } from '../../messages/decisions.js';
import type { DecisionContext } from '../policy.js';
import { labelOf, widthOf, type FeatureSpec, type FeatureTerm } from './spec.js';

type Values = Readonly<Record<string, string | number | boolean>>;

/** What terms read from; the same for a decision and for the experience that comes of it. */
export interface FeatureSources {
  readonly context: Values;
  readonly subject: Values;
  readonly candidate: Values;
  readonly candidateId: string;
}

const NOTHING: Values = Object.freeze({});

export const sourcesOfDecision = (context: DecisionContext, candidate: Candidate): FeatureSources => ({
  context: context.context,
  subject: context.features,
  candidate: candidate.features,
  candidateId: candidate.id,
});

/** The surface must log the features that the spec reads (`log` in its declaration): others count as missing. */
export const sourcesOfExperience = ({ context, subject, features }: Experience, id: string): FeatureSources => ({
  context,
  subject: subject ?? NOTHING,
  candidate: Object.hasOwn(features, id) ? features[id]! : NOTHING,
  candidateId: id,
});

interface Block {
  readonly start: number;
  readonly width: number;
  /** Whether it may differ between candidates of one decision. */
  readonly perCandidate: boolean;
  /** Writes all of its numbers into `into`, from `start` on. */
  write(sources: FeatureSources, into: Float64Array): void;
  /** How an explanation calls number `i` of the block. */
  nameOf(i: number): string;
}

/** A compiled spec. Pure and deterministic; a vector depends on its sources alone. */
export class FeatureEncoder {
  /** Numbers in a vector. */
  readonly size: number;
  /** False where all candidates of a decision have the same vector. */
  readonly perCandidate: boolean;
  readonly #blocks: readonly Block[];
  readonly #candidateBlocks: readonly Block[];

  constructor(spec: FeatureSpec) {
    const blocks: Block[] = [];
    const byLabel = new Map<string, Block>();
    const widths = new Map<string, number>();
    let start = 0;
    for (const term of spec.terms) {
      const width = widthOf(term, widths);
      const block = blockOf(term, start, width, byLabel);
      blocks.push(block);
      byLabel.set(labelOf(term), block);
      widths.set(labelOf(term), width);
      start += width;
    }
    this.size = start;
    this.#blocks = blocks;
    this.#candidateBlocks = blocks.filter(({ perCandidate }) => perCandidate);
    this.perCandidate = this.#candidateBlocks.length > 0;
  }

  /** Fills `into`, `size` numbers long, all of them finite. */
  encode(sources: FeatureSources, into: Float64Array): void {
    for (const block of this.#blocks) block.write(sources, into);
  }

  /** The same for another candidate of the decision that `into` was encoded for last. */
  encodeNext(sources: FeatureSources, into: Float64Array): void {
    for (const block of this.#candidateBlocks) block.write(sources, into);
  }

  /** What number `index` of a vector is, for explanations: `context.hour`, `context.weekday=mon`, … */
  nameOf(index: number): string {
    const block = this.#blocks.findLast(({ start }) => start <= index)!;
    return block.nameOf(index - block.start);
  }
}

function blockOf(term: FeatureTerm, start: number, width: number, earlier: ReadonlyMap<string, Block>): Block {
  const label = labelOf(term);
  const perCandidate = 'from' in term && term.from === 'candidate';
  switch (term.kind) {
    case 'bias':
      return { start, width, perCandidate, write: (_, into) => void (into[start] = 1), nameOf: () => label };
    case 'number':
      return {
        start,
        width,
        perCandidate,
        write: (sources, into) => void (into[start] = scaled(term, valueOf(sources, term))),
        nameOf: () => label,
      };
    case 'category': {
      const slots = new Map(term.levels.map((level, i) => [level, i] as const));
      const write = (sources: FeatureSources, into: Float64Array): void => {
        into.fill(0, start, start + width);
        const value = valueOf(sources, term);
        if (value === undefined) return;
        const slot = slots.get(String(value)) ?? (term.other ? width - 1 : undefined);
        if (slot !== undefined) into[start + slot] = 1;
      };
      return { start, width, perCandidate, write, nameOf: (i) => `${label}=${term.levels[i] ?? '(other)'}` };
    }
    case 'hashed': {
      const write = (sources: FeatureSources, into: Float64Array): void => {
        into.fill(0, start, start + width);
        const value = valueOf(sources, term);
        if (value === undefined) return;
        if (term.split === 'words') addWords(String(value), term.signed, into.subarray(start, start + width));
        else addHashed(String(value), term.signed, into.subarray(start, start + width));
      };
      return { start, width, perCandidate, write, nameOf: (i) => `${label}#${i}` };
    }
    case 'identity': {
      const write = ({ candidateId }: FeatureSources, into: Float64Array): void => {
        into.fill(0, start, start + width);
        addHashed(candidateId, false, into.subarray(start, start + width));
      };
      return { start, width, perCandidate: true, write, nameOf: (i) => `${label}#${i}` };
    }
    case 'cross':
      return crossOf(earlier.get(term.of[0])!, earlier.get(term.of[1])!, start, width);
  }
}

function crossOf(rows: Block, columns: Block, start: number, width: number): Block {
  return {
    start,
    width,
    perCandidate: rows.perCandidate || columns.perCandidate,
    write(_, into) {
      for (let i = 0; i < rows.width; i++) {
        const x = into[rows.start + i]!;
        const row = start + i * columns.width;
        for (let j = 0; j < columns.width; j++) into[row + j] = x * into[columns.start + j]!;
      }
    },
    nameOf: (i) => `${rows.nameOf(Math.floor(i / columns.width))}×${columns.nameOf(i % columns.width)}`,
  };
}

interface Lookup {
  readonly from: 'context' | 'candidate' | 'subject';
  readonly name: string;
}

/** Undefined for what is missing, and for numbers that are none. */
function valueOf(sources: FeatureSources, { from, name }: Lookup): string | number | boolean | undefined {
  const values = sources[from];
  if (!Object.hasOwn(values, name)) return undefined;
  const value = values[name];
  return typeof value === 'number' && !Number.isFinite(value) ? undefined : value;
}

type NumberTerm = Extract<FeatureTerm, { kind: 'number' }>;

function scaled(term: NumberTerm, value: string | number | boolean | undefined): number {
  if (value === undefined || typeof value === 'string') return term.missing;
  const number = (Number(value) - term.offset) * term.scale;
  return number > term.limit ? term.limit : number < -term.limit ? -term.limit : number;
}

const NOT_ASCII = /[^\0-\x7f]/;
const WORDS = /[\p{L}\p{N}]+/gu;
const SIGN_BIT = 0x80000000;

function addHashed(text: string, signed: boolean, into: Float64Array): void {
  const hash = fnv1a(NOT_ASCII.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text);
  // The sign's bit takes no part in the bucket, which it would otherwise be tied to.
  into[(hash & (SIGN_BIT - 1)) % into.length]! += signed && hash >= SIGN_BIT ? -1 : 1;
}

function addWords(text: string, signed: boolean, into: Float64Array): void {
  for (const [word] of text.toLowerCase().matchAll(WORDS)) addHashed(word, signed, into);
  let squares = 0;
  for (let i = 0; i < into.length; i++) squares += into[i]! * into[i]!;
  if (squares === 0) return;
  const scale = 1 / Math.sqrt(squares);
  for (let i = 0; i < into.length; i++) into[i]! *= scale;
}
