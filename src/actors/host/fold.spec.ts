import { beforeEach, describe, expect, it } from '@jest/globals';
import { createTotals, SETTINGS, tallyKind, type Tally, type Total } from '../../../test/support/host-world.js';
import { seededRandom } from '../../kernel/random.js';
import { Activation } from './activation.js';
import type { ActorKind } from './actor-kind.js';
import { PartitionFold } from './fold.js';
import { freshPartitionState } from './partition-state.js';
import { ALL_PROTECTIONS } from './protections.js';
import { chainOf, decodeRecord } from './record-codec.js';
import { Redriven } from './redriven.js';
import { decodeSnapshot, encodeSnapshot } from './snapshot-codec.js';
import { TimerIndex } from './timer-index.js';

const CHAIN = { p: 3, src: 'other', seq: 1, idx: 0, prev: [0, 0] };
const kind = tallyKind as unknown as ActorKind<unknown, Total, never>;

class Bench {
  readonly shared = createTotals();
  readonly timers = new TimerIndex();
  readonly actors = new Map<string, Activation>();
  readonly fold: PartitionFold<Total>;

  constructor(adopting = false) {
    const state = freshPartitionState<Total>(SETTINGS, this.shared.create(), adopting);
    const options = { partition: 0, identity: 'id', kinds: new Map([['user', kind]]), shared: this.shared };
    this.fold = new PartitionFold({ ...options, protections: ALL_PROTECTIONS }, state, this.timers);
  }

  actor(token = 'a'): Activation {
    const key = `user.${token}`;
    const known = this.actors.get(key);
    if (known) return known;
    const made = new Activation(key, { kind: 'user', token }, { sum: 0 });
    this.actors.set(key, made);
    return made;
  }

  state(token = 'a'): Tally {
    return this.actor(token).state as Tally;
  }

  take(subject: string, body: unknown, timestampMs = 1_000) {
    const sequence = this.fold.state.sequence + 1;
    const record = { sequence, timestampMs, subject, payload: Buffer.from(JSON.stringify(body)), pending: 0 };
    const decoded = decodeRecord(record);
    const address = PartitionFold.addressOf(decoded);
    return this.fold.apply(record, decoded, address && this.actor(address.token));
  }

  event(type: string, id: string, data: object = {}, timestampMs?: number) {
    const body = { specversion: '1.0', source: 's', id, data };
    return this.take(`attune.p.0.event.app.user.a.${type}`, body, timestampMs);
  }

  barrier(epoch: number) {
    return this.take('attune.p.0.control.engine.barrier', { v: 2, term: [epoch, 0], host: 'h', settings: SETTINGS });
  }

  decision(term: [number, number], n: number, outcome?: string) {
    return this.take('attune.p.0.decision.app.user.a', { v: 2, term, key: 'k', body: { n, outcome } });
  }

  /** Of a letter with that sequence. */
  redrive(sequence: number, name: string, body: object) {
    const payload = Buffer.from(JSON.stringify(body)).toString('base64');
    const subject = `attune.p.0.${name}`;
    return this.take('attune.p.0.control.engine.redrive', {
      v: 2,
      term: [1, 0],
      key: 'k',
      by: 'me',
      sequence,
      subject,
      payload,
    });
  }

  told(seq: number, prev: number, n = 1) {
    const chain = { p: 3, src: 'other', seq, idx: 0, prev: [prev, 0] };
    return this.take('attune.p.0.output.engine.user.a.told', { v: 2, chain, at: 1, body: { n } });
  }
}

let bench: Bench;

beforeEach(() => {
  bench = new Bench();
});

describe('terms', () => {
  it('void what an owner wrote under any other than the current one', () => {
    expect(bench.decision([1, 0], 1).outcome).toBe('void');
    bench.barrier(2);
    expect(bench.decision([1, 0], 1).outcome).toBe('void');
    expect(bench.decision([3, 0], 1).outcome).toBe('void');
    expect(bench.decision([2, 0], 1).outcome).toBe('applied');
    expect(bench.take('attune.p.0.control.engine.marker', { v: 2, term: [2, 1] }).outcome).toBe('applied');
    expect(bench.decision([2, 0], 1).outcome).toBe('void');
    expect(bench.decision([2, 1], 1).outcome).toBe('applied');
    expect(bench.state()).toEqual({ sum: 2 });
    expect(bench.fold.state.counters.voided).toBe(4);
  });

  it('never go back: not by an older barrier, nor one again, nor a marker of another epoch', () => {
    bench.barrier(5);
    expect(bench.barrier(5).outcome).toBe('void');
    expect(bench.barrier(4).outcome).toBe('void');
    expect(bench.take('attune.p.0.control.engine.marker', { v: 2, term: [4, 9] }).outcome).toBe('void');
    expect(bench.take('attune.p.0.control.engine.marker', { v: 2, term: [5, 0] }).outcome).toBe('void');
    expect(bench.fold.state.term).toEqual([5, 0]);
  });
});

describe('events', () => {
  const at = (seconds: number): string => new Date(1_000 * seconds).toISOString();
  const timed = (id: string | undefined, seconds: number, type = 'add') =>
    bench.take(
      `attune.p.0.event.app.user.a.${type}`,
      { specversion: '1.0', source: 's', id, time: at(seconds), data: {} },
      1_100_000_000,
    );

  it('count once by source and id, and are refused where nobody can tell any more', () => {
    const { dedupePerActor } = SETTINGS.events;
    expect(timed('x', 1_000_000).outcome).toBe('applied');
    for (let i = 1; i < dedupePerActor; i++) timed(`other-${i}`, 1_000_000 + i);
    expect(timed('x', 1_000_000).outcome).toBe('duplicate');
    // One more, and the earliest has to go.
    expect(timed('late', 1_000_000 - 1).outcome).toBe('applied');
    expect(timed('late', 1_000_000 - 1)).toMatchObject({
      outcome: 'rejected',
      reason: expect.stringMatching(/^EVENT_TOO_OLD_TO_KNOW: .* later than 999999, and it is of 999999/),
      outputs: [{ target: 'd' }],
    });
    expect(timed('x', 1_000_000).outcome).toBe('duplicate');
    expect(timed('never seen', 1_000_000 - 1).outcome).toBe('rejected');
    expect(timed('never seen either', 1_000_000).outcome).toBe('applied');
    expect(bench.state()).toEqual({ sum: dedupePerActor + 2 });
    expect(bench.fold.state.counters).toMatchObject({ duplicates: 2, tooOld: 2, rejected: 2 });
  });

  it('count once: a thousand twice, shuffled, with three thousand others between', () => {
    const draw = seededRandom(7);
    const shuffled = (ids: readonly number[]): number[] =>
      ids
        .map((id) => [draw.next(), id] as const)
        .sort(([a], [b]) => a - b)
        .map(([, id]) => id);
    const ours = Array.from({ length: 1_000 }, (_, id) => id);
    const outcomes = (ids: readonly number[]) => new Set(ids.map((id) => timed(String(id), 1_000_000 + id).outcome));
    expect(outcomes(shuffled(ours))).toEqual(new Set(['applied']));
    expect(outcomes(shuffled(ours.map((id) => 10_000 + id)))).toEqual(new Set(['applied']));
    expect(outcomes(shuffled(ours.map((id) => 20_000 + id)))).toEqual(new Set(['applied']));
    expect(outcomes(shuffled(ours.map((id) => 30_000 + id)))).toEqual(new Set(['applied']));
    expect(outcomes(shuffled(ours))).toEqual(new Set(['duplicate']));
    expect(bench.state()).toEqual({ sum: 4_000 });
    // With two thousand more, nobody can tell; they are refused, and still count once.
    expect(outcomes(shuffled(ours.map((id) => 40_000 + id)))).toEqual(new Set(['applied']));
    expect(outcomes(shuffled(ours.map((id) => 50_000 + id)))).toEqual(new Set(['applied']));
    expect(outcomes(shuffled(ours))).toEqual(new Set(['rejected']));
    expect(bench.state()).toEqual({ sum: 6_000 });
  });

  it('of two apps are never the same, whatever they call them', () => {
    const send = (app: string) =>
      bench.take(`attune.p.0.event.${app}.user.a.add`, { specversion: '1.0', source: 's', id: 'x', data: {} }).outcome;
    expect([send('one'), send('two'), send('one'), send('two')]).toEqual([
      'applied',
      'applied',
      'duplicate',
      'duplicate',
    ]);
  });

  it('without a time count once within the table', () => {
    const { dedupePerActor } = SETTINGS.events;
    const send = (id: string) => bench.event('add', id, {}, 1_100_000_000).outcome;
    expect([send('x'), send('x')]).toEqual(['applied', 'duplicate']);
    for (let i = 0; i < dedupePerActor - 1; i++) timed(`other-${i}`, 1_090_000 + i);
    expect(send('x')).toBe('duplicate');
  });

  it('without a time are new however many come within one second', () => {
    const burst = Array.from({ length: SETTINGS.events.dedupePerActor + 904 }, (_, i) => `burst-${i}`);
    const outcomes = burst.map((id) => bench.event('add', id, {}, 1_100_000_000).outcome);
    expect(new Set(outcomes)).toEqual(new Set(['applied']));
    expect(bench.state()).toEqual({ sum: burst.length });
    expect(bench.fold.state.counters).toMatchObject({ tooOld: 0, rejected: 0 });
  });

  it('that say a time too far ahead are refused, whatever came between', () => {
    const { dedupePerActor, futureMaxMs } = SETTINGS.events;
    const latest = 1_100_000 + Math.floor(futureMaxMs / 1_000);
    const ahead = () => timed('ahead', latest + 1);
    expect(ahead()).toMatchObject({
      outcome: 'rejected',
      reason: expect.stringMatching(/^EVENT_IN_FUTURE: /),
      outputs: [{ target: 'd' }],
    });
    expect(timed('just so', latest).outcome).toBe('applied');
    for (let i = 0; i <= dedupePerActor; i++) timed(`other-${i}`, 1_090_000 + i);
    expect(ahead().outcome).toBe('rejected');
    expect(timed('just so', latest).outcome).toBe('duplicate');
    expect(bench.state()).toEqual({ sum: dedupePerActor + 2 });
  });

  it('are taken with a time too far ahead where the kind asks for it', () => {
    const whenever = { ...kind, countsWhenever: (type: string) => type === 'add' };
    const options = { partition: 0, identity: 'id', kinds: new Map([['user', whenever]]), shared: bench.shared };
    const fold = new PartitionFold({ ...options, protections: ALL_PROTECTIONS }, bench.fold.state, bench.timers);
    const send = (type: string) => {
      const payload = Buffer.from(JSON.stringify({ specversion: '1.0', source: 's', id: type, time: at(2_000_000) }));
      const subject = `attune.p.0.event.app.user.a.${type}`;
      const record = { sequence: fold.state.sequence + 1, timestampMs: 1e9, subject, payload, pending: 0 };
      return fold.apply(record, decodeRecord(record), bench.actor()).outcome;
    };
    expect([send('add'), send('add'), send('tell')]).toEqual(['applied', 'duplicate', 'rejected']);
  });

  it('without an id are never repeats', () => {
    expect([timed(undefined, 1_000_000), timed(undefined, 1_000_000)].map(({ outcome }) => outcome)).toEqual([
      'applied',
      'applied',
    ]);
    expect(bench.actor().seen).toBeUndefined();
  });

  it('that were rejected count once they are not', () => {
    expect(timed('x', 1_000_000, 'nonsense').outcome).toBe('rejected');
    expect(timed('x', 1_000_000).outcome).toBe('applied');
    expect(timed('x', 1_000_000, 'nonsense').outcome).toBe('duplicate');
  });

  it('whose repeats change nothing are folded however old they are', () => {
    const idempotent = { ...kind, isIdempotent: (type: string) => type === 'add' };
    const options = { partition: 0, identity: 'id', kinds: new Map([['user', idempotent]]), shared: bench.shared };
    const fold = new PartitionFold({ ...options, protections: ALL_PROTECTIONS }, bench.fold.state, bench.timers);
    const send = (type: string, id: string) => {
      const body = { specversion: '1.0', source: 's', id, time: at(5), data: {} };
      const payload = Buffer.from(JSON.stringify(body));
      const sequence = fold.state.sequence + 1;
      const record = {
        sequence,
        timestampMs: 1e12,
        subject: `attune.p.0.event.app.user.a.${type}`,
        payload,
        pending: 0,
      };
      return fold.apply(record, decodeRecord(record), bench.actor()).outcome;
    };
    expect([send('add', 'x'), send('add', 'x'), send('tell', 'y')]).toEqual(['applied', 'duplicate', 'rejected']);
  });

  it('are told apart by their source too, wherever it ends and the id begins', () => {
    const send = (source: string, id: string) =>
      bench.take('attune.p.0.event.app.user.a.add', { specversion: '1.0', source, id, data: {} }).outcome;
    expect([send('a', 'b c'), send('a b', 'c'), send('a', 'b c')]).toEqual(['applied', 'applied', 'duplicate']);
  });

  it('happen within bounds of the fold’s time, which never goes back', () => {
    const { futureMaxMs } = SETTINGS.events;
    const times: number[] = [];
    const spy = {
      ...kind,
      fold: (state: unknown, record: never) => {
        times.push((record as { event: { timeMs: number } }).event.timeMs);
        return { state, outcome: 'ignored' as const, effects: [] };
      },
    };
    const options = { partition: 0, identity: 'id', kinds: new Map([['user', spy]]), shared: bench.shared };
    const fold = new PartitionFold(
      { ...options, protections: ALL_PROTECTIONS } as never,
      bench.fold.state,
      bench.timers,
    );
    const send = (sequence: number, time: string, timestampMs: number) => {
      const body = { specversion: '1.0', id: String(sequence), source: 's', time };
      const subject = 'attune.p.0.event.app.user.a.add';
      const record = { sequence, timestampMs, subject, payload: Buffer.from(JSON.stringify(body)), pending: 0 };
      fold.apply(record, decodeRecord(record), bench.actor());
    };
    const at = Date.parse('2026-01-01T00:00:00Z');
    send(1, '2026-01-01T00:00:01Z', at);
    send(2, '1990-01-01T00:00:00Z', at - 5_000);
    send(3, '2090-01-01T00:00:00Z', at);
    send(4, new Date(at + futureMaxMs).toISOString(), at);
    // What is longer ago than may be, or further ahead, was not asked about: nobody knows whether it is a repeat.
    expect(times).toEqual([at + 1_000, at + futureMaxMs]);
    expect(bench.fold.state.foldTimeMs).toBe(at);
  });

  it('that cannot be folded change nothing', () => {
    bench.event('add', 'x');
    const before = JSON.stringify([bench.fold.state, bench.actor()]);
    expect(() => bench.event('boom', 'y')).toThrow('cannot be folded');
    expect(JSON.stringify([bench.fold.state, bench.actor()])).toBe(before);
  });

  it('that make no sense become dead letters with what is needed to try again', () => {
    const { outcome, outputs } = bench.event('nonsense', 'x');
    expect(outcome).toBe('rejected');
    expect(outputs).toHaveLength(1);
    expect(JSON.parse(outputs[0]!.json)).toMatchObject({
      kind: 'rejected',
      sequence: 1,
      subject: 'attune.p.0.event.app.user.a.nonsense',
      reason: 'NONSENSE',
      truncated: false,
    });
  });
});

describe('outputs', () => {
  it('are numbered in one chain a target', () => {
    const places = (type: string, id: string) =>
      bench.event(type, id).outputs.map(({ target, chain }) => [target, chain.seq, chain.idx, chain.prev]);
    expect(places('tell', '1')).toEqual([['p0', 1, 0, [0, 0]]]);
    expect(places('nonsense', '2')).toEqual([['d', 2, 0, [0, 0]]]);
    expect(places('tell', '3')).toEqual([['p0', 3, 0, [1, 0]]]);
  });

  it('apply in their place only: once, and not before their predecessor', () => {
    expect(bench.told(2, 0).outcome).toBe('applied');
    expect(bench.told(2, 0).outcome).toBe('duplicate');
    expect(bench.told(9, 5).outcome).toBe('gap');
    expect(bench.told(5, 2).outcome).toBe('applied');
    expect(bench.told(9, 5).outcome).toBe('applied');
    expect(bench.state()).toEqual({ sum: 3 });
  });

  it('of a source that was rebuilt, and so does not know its whole chain, go on above the watermark', () => {
    bench.told(7, 0);
    expect(bench.told(6, 4).outcome).toBe('duplicate');
    expect(bench.told(9, 6).outcome).toBe('applied');
  });

  it('of a source never met begin anywhere where the state was rebuilt, and nowhere but at the beginning otherwise', () => {
    expect(bench.told(9, 5).outcome).toBe('gap');
    const rebuilt = new Bench(true);
    expect(rebuilt.told(9, 5).outcome).toBe('applied');
    expect(rebuilt.told(20, 15).outcome).toBe('gap');
  });

  it('that are poison keep their place in the chain', () => {
    const chain = { p: 3, src: 'other', seq: 1, idx: 0, prev: [0, 0] };
    const subject = 'attune.p.0.output.engine.nobody.a.told';
    const record = {
      sequence: 1,
      timestampMs: 1,
      subject,
      payload: Buffer.from(JSON.stringify({ chain })),
      pending: 0,
    };
    expect(bench.fold.skip(record, chainOf(record), 'unknown kind').outcome).toBe('poison');
    expect(bench.told(2, 1).outcome).toBe('applied');
  });
});

describe('a dead letter that is tried again', () => {
  const redriveOf = (letter: { sequence: number; subject: string; payload: Buffer }, atMs?: number) => {
    const { sequence, subject, payload } = letter;
    const record = { v: 2, term: [1, 0], key: 'k', by: 'me', sequence, subject, payload: payload.toString('base64') };
    return bench.take('attune.p.0.control.engine.redrive', atMs === undefined ? record : { ...record, atMs });
  };
  /** A record that is passed over by a verdict. */
  const poison = (subject: string, body: object, timestampMs = 1_000) => {
    const sequence = bench.fold.state.sequence + 1;
    const record = { sequence, timestampMs, subject, payload: Buffer.from(JSON.stringify(body)), pending: 0 };
    bench.fold.skip(record, chainOf(record), 'a bad release');
    return record;
  };
  const event = (type: string, id?: string, time?: string) =>
    poison(`attune.p.0.event.app.user.a.${type}`, { specversion: '1.0', source: 's', id, time, data: {} });
  const redriveSubject = 'attune.p.0.control.engine.redrive';

  beforeEach(() => void bench.barrier(1));

  it.each([
    ['an event with an id', () => event('add', 'x')],
    ['an event without', () => event('add')],
    [
      'an output to an actor',
      () =>
        poison('attune.p.0.output.engine.user.a.told', {
          v: 2,
          chain: { p: 3, src: 'o', seq: 1, idx: 0, prev: [0, 0] },
          at: 1,
          body: { n: 1 },
        }),
    ],
    ['a decision', () => poison('attune.p.0.decision.app.user.a', { v: 2, term: [1, 0], key: 'd', body: { n: 1 } })],
  ])('counts once, however often it is: %s', (_, letterOf) => {
    const letter = letterOf();
    const outcomes = [redriveOf(letter), redriveOf(letter), redriveOf(letter)].map(({ outcome }) => outcome);
    expect(outcomes).toEqual(['applied', 'duplicate', 'duplicate']);
    expect(bench.state()).toMatchObject({ sum: 1 });
  });

  it('counts once where it is for the partition itself', () => {
    const chain = { p: 3, src: 'other', seq: 1, idx: 0, prev: [0, 0] };
    const letter = poison('attune.p.0.output.engine.partition._.granted', { v: 2, chain, at: 1, body: { n: 100 } });
    expect([redriveOf(letter), redriveOf(letter)].map(({ outcome }) => outcome)).toEqual(['applied', 'duplicate']);
    expect(bench.fold.state.shared).toEqual({ total: 100 });
  });

  it('counts once with the letters of its tries that failed, however deep', () => {
    const letter = event('add', 'x');
    const wrapped = ({ sequence, subject, payload }: typeof letter) =>
      poison(redriveSubject, {
        v: 2,
        term: [1, 0],
        key: 'k',
        by: 'me',
        sequence,
        subject,
        payload: payload.toString('base64'),
      });
    const once = wrapped(letter);
    const twice = wrapped(once);
    expect([redriveOf(twice), redriveOf(letter), redriveOf(once)].map(({ outcome }) => outcome)).toEqual([
      'applied',
      'duplicate',
      'duplicate',
    ]);
    expect(bench.state()).toMatchObject({ sum: 1 });
  });

  it('counts once with what its app has sent again under its id, before or after', () => {
    const [before, after] = [event('add', 'x'), event('add', 'y')];
    expect(bench.event('add', 'x').outcome).toBe('applied');
    expect(redriveOf(before).outcome).toBe('duplicate');
    expect(redriveOf(after).outcome).toBe('applied');
    expect(bench.event('add', 'y').outcome).toBe('duplicate');
    expect(bench.state()).toMatchObject({ sum: 2 });
  });

  it('is not kept from counting by tries that were rejected', () => {
    const letter = event('nonsense', 'x');
    expect([redriveOf(letter), redriveOf(letter)].map(({ outcome }) => outcome)).toEqual(['rejected', 'rejected']);
    // A later release understands it.
    const mended = { ...letter, subject: 'attune.p.0.event.app.user.a.add' };
    expect([redriveOf(mended), redriveOf(mended)].map(({ outcome }) => outcome)).toEqual(['applied', 'duplicate']);
  });

  it('is as old as when it was first folded', () => {
    const { pastMaxMs } = SETTINGS.events;
    const letter = event('add', 'x', '1970-01-01T00:00:01Z');
    bench.event('add', 'later', {}, 2 * pastMaxMs);
    expect(redriveOf(letter, 1_000).outcome).toBe('applied');
    const other = event('add', 'y', '1970-01-01T00:00:01Z');
    expect(redriveOf(other)).toMatchObject({ outcome: 'rejected', reason: expect.stringMatching(/TOO_OLD_TO_KNOW/) });
  });

  it('is refused where it is not known any more whether it was', () => {
    const letter = event('add', 'x');
    bench.fold.state.redriven = new Redriven([[letter.sequence + 5, letter.sequence + 5]], letter.sequence + 1);
    expect(redriveOf(letter)).toMatchObject({
      outcome: 'rejected',
      reason: expect.stringMatching(/^REDRIVE_TOO_OLD_TO_KNOW/),
    });
    expect(bench.state()).toEqual({ sum: 0 });
  });
});

describe('timers', () => {
  const fire = (generation: number, due = 2_000) =>
    bench.take('attune.p.0.timer.engine.user.a', { v: 2, term: [1, 0], due, generation });

  it('count in the generation they were armed in, once', () => {
    bench.barrier(1);
    bench.event('wake', '1', { value: 1_000 });
    expect(bench.timers.get('user.a')).toMatchObject({ due: 2_000, generation: 2 });
    bench.event('wake', '2', { value: 1_500 });
    expect(fire(2).outcome).toBe('stale');
    expect(fire(3, 2_500).outcome).toBe('applied');
    expect(fire(3, 2_500).outcome).toBe('stale');
    expect(bench.state()).toMatchObject({ sum: 1_000 });
    expect(bench.timers.get('user.a')).toBeUndefined();
  });
});

describe('a timer that its own fold arms anew for the same due time', () => {
  it('is another generation, and counts again', () => {
    const again = {
      ...kind,
      fold: (state: unknown, record: { type: string }) => {
        const { sum } = state as Tally;
        const due = sum < 2 ? 2_000 : 0;
        return { state: { sum: sum + Number(record.type === 'timer'), due }, outcome: 'applied' as const, effects: [] };
      },
    };
    const options = { partition: 0, identity: 'id', kinds: new Map([['user', again as never]]), shared: bench.shared };
    const fold = new PartitionFold<Total>({ ...options, protections: ALL_PROTECTIONS }, bench.fold.state, bench.timers);
    const take = (subject: string, body: object) => {
      const payload = Buffer.from(JSON.stringify(body));
      const record = { sequence: fold.state.sequence + 1, timestampMs: 1_000, subject, payload, pending: 0 };
      return fold.apply(record, decodeRecord(record), bench.actor()).outcome;
    };
    bench.barrier(1);
    take('attune.p.0.event.app.user.a.add', {});
    const fired: unknown[] = [];
    for (let i = 0; i < 4; i++) {
      const [due] = bench.timers.takeDue(2_000, 1);
      if (!due) break;
      fired.push(
        take('attune.p.0.timer.engine.user.a', { v: 2, term: [1, 0], due: due.due, generation: due.generation }),
      );
    }
    expect(fired).toEqual(['applied', 'applied', 'applied']);
    expect(bench.timers.peek()).toBeUndefined();
  });
});

describe('a replay over a newer snapshot', () => {
  /** Everything an actor can cause, in one journal. */
  const records = (on: Bench) => {
    on.barrier(1);
    const outputs = [
      ...on.event('add', '1').outputs,
      ...on.event('tell', '2').outputs,
      ...on.decision([1, 0], 5).outputs,
      ...on.event('nonsense', '3').outputs,
      ...on.event('tell', '2').outputs,
      ...on.event('wake', '4', { value: 500 }).outputs,
      // Tried again: once applied, then not, then rejected, and for the partition.
      ...on.redrive(100, 'event.app.user.a.add', { specversion: '1.0', source: 's', id: 'r' }).outputs,
      ...on.redrive(100, 'event.app.user.a.add', { specversion: '1.0', source: 's', id: 'r' }).outputs,
      ...on.redrive(101, 'event.app.user.a.nonsense', { specversion: '1.0', source: 's', id: 'q' }).outputs,
      ...on.redrive(102, 'output.engine.partition._.granted', { v: 2, chain: CHAIN, at: 1, body: { n: 3 } }).outputs,
    ];
    return outputs;
  };

  it('changes the actor no more, and does the rest as before', () => {
    const before = records(bench);
    const position = { epoch: 1, sequence: bench.fold.state.sequence, identity: 'id', fingerprint: 'f' };
    const saved = encodeSnapshot(bench.actor(), position);
    const again = new Bench();
    again.actors.set('user.a', decodeSnapshot('user.a', saved, 1, kind as never).activation);
    const repeated = records(again);
    // Their first owner had them acknowledged before it saved; only their places in the chains are left to take.
    expect(before.length).toBe(3);
    expect(repeated).toEqual([]);
    expect(again.state()).toEqual(bench.state());
    const { counters: _, ...state } = again.fold.state;
    const { counters: _counters, ...expected } = bench.fold.state;
    expect(state).toEqual(expected);
    expect(again.timers.entries()).toEqual(bench.timers.entries());
    expect(again.event('tell', '9').outputs).toEqual(bench.event('tell', '9').outputs);
  });
});
