/** Classification turned bandit: a text is the context, the labels are the candidates, the right one pays 1. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { seededRandom } from '../../src/kernel/random.js';
import { candidateSchema } from '../../src/messages/decisions.js';
import type { ContextualLoop } from './contextual-run.js';

const DATA_DIR = process.env['ATTUNE_DATA_DIR'] ?? join(import.meta.dirname, '../../../shared/data');
export const BANKING77 = join(DATA_DIR, 'banking77');

export interface LabelledText {
  readonly text: string;
  readonly label: string;
}

/** A value in a request's context is no longer than this. */
const TEXT_MAX = 256;

/** All labelled sentences of banking77 (10,003 for training and 3,080 for tests), in an order drawn from the seed. */
export function readBanking77(folder: string, seed: number): LabelledText[] {
  const rows = ['train.csv', 'test.csv'].flatMap((file) =>
    parse<{ text: string; category: string }>(readFileSync(join(folder, file)), { columns: true }),
  );
  const texts = rows.map(({ text, category }) => ({ text: text.slice(0, TEXT_MAX), label: category }));
  const random = seededRandom(seed);
  for (let i = texts.length - 1; i > 0; i--) {
    const j = Math.floor(random.next() * (i + 1));
    [texts[i], texts[j]] = [texts[j]!, texts[i]!];
  }
  return texts;
}

/** A constant and a bag of hashed words for each label; too many numbers for anything but a diagonal covariance. */
export const textFeatures = (buckets: number) => ({
  covariance: 'diagonal',
  features: {
    arm: {
      terms: [
        { kind: 'bias' },
        { kind: 'hashed', from: 'context', name: 'text', buckets, split: 'words', signed: true },
      ],
    },
  },
});

/**
 * Progressive loss: the share of texts whose label it got wrong, each decided on before it was learned from. The second
 * number is that of the last quarter.
 */
export function progressiveLoss(texts: readonly LabelledText[], loop: ContextualLoop): [all: number, last: number] {
  const candidates = [...new Set(texts.map(({ label }) => label))]
    .sort()
    .map((label) => candidateSchema.parse({ id: label }));
  const lastFrom = Math.floor((texts.length * 3) / 4);
  let wrong = 0;
  let wrongLast = 0;
  for (const [i, { text, label }] of texts.entries()) {
    const context = { text };
    const [index, distribution] = loop.decide(context, candidates);
    const right = candidates[index]!.id === label;
    loop.learn(context, candidates[index]!.id, distribution[index]!, right ? 1 : 0);
    if (right) continue;
    wrong++;
    if (i >= lastFrom) wrongLast++;
  }
  return [wrong / texts.length, wrongLast / (texts.length - lastFrom)];
}
