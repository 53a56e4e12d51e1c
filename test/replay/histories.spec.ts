import { beforeAll, describe, expect, it } from '@jest/globals';
import { parsePartitionSubject } from '../../src/messages/subjects.js';
import { THIS_BUILD } from '../../src/messages/versions.js';
import { comparable, digestOf, HistoryFold, historyNames, readHistory, type History } from './history.js';
import {
  checkpointAt,
  learnerHistoryNames,
  plain,
  readLearnerHistory,
  saidBy,
  type LearnerHistory,
} from './learner-history.js';
import { historiesOf } from './recorder.js';

/** Every class of record and every control record; a fold of what no history holds is held to nothing. */
const KINDS = ['event', 'decision', 'command', 'timer', 'output', 'barrier', 'marker', 'verdict', 'redrive'];

const kindsIn = ({ records }: History): string[] =>
  records.map(({ subject }) => {
    const { cls, kind } = parsePartitionSubject(subject)!;
    return cls === 'control' ? kind : cls;
  });

async function expectFoldsEqual(history: History): Promise<void> {
  const last = history.records.length;
  const whole = new HistoryFold(history).to(last);
  expect(comparable(await whole.stored())).toEqual(comparable(history.end));
  expect(digestOf(whole.outputs)).toEqual(history.outputs);
  const rest = new HistoryFold(history, history.middle).to(last);
  expect(comparable(await rest.stored())).toEqual(comparable(history.end));
}

async function expectLearnsEqual({ records, learned, external }: LearnerHistory): Promise<void> {
  for (const { spec, middle, end } of learned) {
    const { position } = (plain(middle) as { session: { position: number } }).session;
    const rest = records.filter(({ sequence }) => sequence > position);
    expect(plain(await checkpointAt(rest, spec, middle))).toEqual(plain(end));
    expect(plain(await checkpointAt(records, spec))).toEqual(plain(end));
  }
  expect(saidBy(external)).toEqual(external.says);
}

describe('what was written once', () => {
  it('folds to what it came to then, from the beginning and from what was stored in the middle', async () => {
    for (const name of historyNames()) await expectFoldsEqual(readHistory(name));
  });

  it('is learned to what it came to then, also from the checkpoints of its middle', async () => {
    for (const name of learnerHistoryNames()) await expectLearnsEqual(readLearnerHistory(name));
  });

  it('is there for every schema and semantics before this build’s', () => {
    const { schema, oldestSchema, semantics, oldestSemantics } = THIS_BUILD;
    const has = (part: string): boolean =>
      [historyNames(), learnerHistoryNames()].every((names) => names.some((name) => `${name}-`.includes(`${part}-`)));
    const range = (word: string, from: number, to: number): string[] =>
      Array.from({ length: to - from }, (_, i) => `${word}-${from + i}`);
    const before = [...range('schema', oldestSchema, schema), ...range('semantics', oldestSemantics, semantics)];
    expect(before.filter((part) => !has(part))).toEqual([]);
  });
});

describe('a history written now', () => {
  let histories: History[];
  let learners: LearnerHistory[];

  beforeAll(async () => {
    const towns = [await historiesOf(4), await historiesOf(12)];
    histories = towns.flatMap(({ partitions }) => partitions);
    learners = towns.map((town) => town.learners);
  });

  it('is learned equal, and would not be if any experience were missing', async () => {
    for (const history of learners) await expectLearnsEqual(history);
    const [history] = learners;
    const { position } = (plain(history!.learned[0]!.middle) as { session: { position: number } }).session;
    expect(position).toBeGreaterThan(0);
    const without = { ...history!, records: history!.records.slice(0, -1) };
    await expect(expectLearnsEqual(without)).rejects.toThrow();
  });

  it('holds a record of every kind, among its likes', () => {
    expect(KINDS.filter((kind) => !histories.some((history) => kindsIn(history).includes(kind)))).toEqual([]);
  });

  it('folds equal, and would not if anything of it were another', async () => {
    for (const history of histories) await expectFoldsEqual(history);
    const [history] = histories;
    const at = history!.records.findIndex(({ subject }) => subject.includes('.event.'));
    const without = { ...history!, records: history!.records.filter((_, i) => i !== at) };
    await expect(expectFoldsEqual(without)).rejects.toThrow();
  });
});
