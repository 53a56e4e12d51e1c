/** Writes histories: journals of simulated towns, and behind them what hardly ever happens. */
import { latLngToCell } from 'h3-js';
import { SIMULATED_EPOCH_MS } from '../../src/actors/simulated/clock.js';
import { simulate } from '../../src/actors/simulated/simulation.js';
import type { StoredRecord } from '../../src/actors/simulated/stream.js';
import { DEFAULT_APP, ENGINE_APP } from '../../src/kernel/ids.js';
import { compareTerms, type Term } from '../../src/messages/records.js';
import { parsePartitionSubject, subjects } from '../../src/messages/subjects.js';
import { THIS_BUILD } from '../../src/messages/versions.js';
import { learnerHistoryOf, type LearnerHistory } from './learner-history.js';
import { digestOf, HistoryFold, type History } from './history.js';

const CELL = latLngToCell(52.52, 13.405, 8);

/** Of the town of a seed: a history of each partition, and one of its learners. */
export interface TownHistories {
  readonly partitions: readonly History[];
  readonly learners: LearnerHistory;
}

/** Rejects where the town breaks a promise. */
export async function historiesOf(seed: number): Promise<TownHistories> {
  const journals: (readonly StoredRecord[])[] = [];
  let experience: readonly StoredRecord[] = [];
  const { violations } = await simulate({
    seed,
    onEnd: (server) => {
      server.journals.forEach(({ records }) => journals.push([...records]));
      experience = [...server.experience.records];
    },
  });
  if (violations.length > 0) throw new Error(`the town of seed ${seed}: ${JSON.stringify(violations)}`);
  const partitions = await Promise.all(
    journals.map((records, partition) => historyOf(partition, [...textsOf(records), ...rarities(partition, records)])),
  );
  return { partitions, learners: await learnerHistoryOf(experience) };
}

type Texts = History['records'];

function textsOf(records: readonly StoredRecord[]): Texts {
  return records.map(({ payload, ...rest }) => ({ ...rest, payload: Buffer.from(payload).toString('utf8') }));
}

async function historyOf(partition: number, records: Texts): Promise<History> {
  const journal = { partition, identity: `history${partition}`, records };
  const last = records.length;
  const [checkpointed, saved] = [Math.floor(last / 3), Math.floor((2 * last) / 3)];
  const first = new HistoryFold(journal).to(checkpointed);
  const { checkpoint, snapshots } = await first.stored();
  // Every other actor has been saved since, as of a later record.
  const later = await new HistoryFold(journal).to(saved).stored((key) => key.length % 2 === 0);
  const whole = new HistoryFold(journal).to(last);
  return {
    ...journal,
    middle: { checkpoint, snapshots: { ...snapshots, ...later.snapshots } },
    end: await whole.stored(),
    outputs: digestOf(whole.outputs),
  };
}

/** What hardly ever happens: what cannot be read, a verdict, dead letters that are tried again, events nobody can tell of. */
function rarities(partition: number, records: readonly StoredRecord[]): Texts {
  const added: { sequence: number; timestampMs: number; subject: string; payload: string }[] = [];
  const { schema: v } = THIS_BUILD;
  const term = termBehind(records);
  const timestampMs = (records.at(-1)?.timestampMs ?? SIMULATED_EPOCH_MS) + 1;
  const add = (subject: string, body: unknown): number => {
    const sequence = records.length + added.length + 1;
    const payload = typeof body === 'string' ? body : JSON.stringify(body);
    added.push({ sequence, timestampMs, subject, payload });
    return sequence;
  };
  const redrive = (sequence: number, subject: string, body: unknown): number => {
    const payload = Buffer.from(JSON.stringify(body)).toString('base64');
    return add(subjects.control(partition, 'redrive'), {
      v,
      term,
      key: `r${sequence}`,
      sequence,
      subject,
      payload,
      atMs: timestampMs,
      by: 'me',
    });
  };
  const event = { specversion: '1.0', source: 'history', type: 'pickup', data: {} };
  const pickup = subjects.record(partition, 'event', DEFAULT_APP, 'zone', CELL, 'pickup');
  const output = subjects.record(partition, 'output', ENGINE_APP, 'zone', CELL, 'pickup');
  add(pickup, '"no object"');
  add(pickup, { ...event, id: 'old', time: '1990-01-01T00:00:00Z' });
  add(pickup, { ...event, id: 'new' });
  add(pickup, { ...event, id: 'new' });
  const chain = { p: 77, src: 'elsewhere', seq: 1, idx: 0, prev: [0, 0] };
  const letter = add(output, { v, chain, at: 'never', body: {} });
  add(subjects.control(partition, 'verdict'), { v, term, sequence: letter, reason: 'a bad release' });
  redrive(letter, output, { v, chain, at: 'never', body: {} });
  const mended = { v, chain, at: timestampMs, body: { timeMs: timestampMs } };
  redrive(letter, output, mended);
  redrive(letter, output, mended);
  add(subjects.control(partition, 'marker'), { v, term: [term[0], term[1] + 1] });
  return added;
}

function termBehind(records: readonly StoredRecord[]): Term {
  let term: Term = [0, 0];
  for (const { subject, payload } of records) {
    const { cls, kind } = parsePartitionSubject(subject)!;
    if (cls !== 'control' || (kind !== 'barrier' && kind !== 'marker')) continue;
    const isBarrier = kind === 'barrier';
    const said = (JSON.parse(Buffer.from(payload).toString('utf8')) as { term: Term }).term;
    const isNext = isBarrier ? said[0] > term[0] : said[0] === term[0] && compareTerms(said, term) > 0;
    if (isNext) term = said;
  }
  return term;
}
