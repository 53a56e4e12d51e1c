import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../kernel/clock.js';
import { Slices } from '../../kernel/slices.js';
import { createTotals, SETTINGS, tallyKind } from '../../../test/support/host-world.js';
import { Activation } from './activation.js';
import type { ActorKind } from './actor-kind.js';
import { eventHash, EventTable } from './event-table.js';
import { freshPartitionState } from './partition-state.js';
import { decodeCheckpoint, decodeSnapshot, encodeCheckpoint, encodeSnapshot, fingerprintOf } from './snapshot-codec.js';

const kind = tallyKind as unknown as ActorKind<unknown, never, never>;
const position = { epoch: 3, sequence: 9, identity: 'id', fingerprint: 'f' };

describe('a snapshot', () => {
  it('comes back with all that is kept beside the state', () => {
    const activation = new Activation('user.a', { kind: 'user', token: 'a' }, { sum: 4 });
    [activation.timerDue, activation.timerGeneration] = [77, 5];
    activation.seen = new EventTable();
    for (const id of ['1', '2', '3']) activation.seen.add(eventHash('k', 'app', 's', id), Number(id), 2);
    activation.traces = [[8, { p0: 2, x: 1 }, [{ n: 1 }]]];
    activation.markRedriven(8, 4);
    activation.markRedriven(9, 5);
    const { activation: revived, position: at } = decodeSnapshot(
      'user.a',
      encodeSnapshot(activation, position),
      12,
      kind,
    );
    expect(at).toEqual(position);
    expect(revived).toEqual(
      Object.assign(activation, { sequence: 9, savedSequence: 9, touchedSequence: 9, revision: 12 }),
    );
    expect(revived.dirty).toBe(false);
    // The table goes on where it stood.
    const standings = ['1', '2', '3', '4'].map((id) =>
      revived.seen!.standing(eventHash('k', 'app', 's', id), Number(id)),
    );
    expect(standings).toEqual(['unknown', 'repeat', 'repeat', 'new']);
  });

  it.each([
    ['no JSON', '{'],
    ['no version', JSON.stringify({ ...position, state: {}, timer: [0, 0] })],
    ['a version that is none', JSON.stringify({ v: 2.5, ...position, state: {}, timer: [0, 0] })],
    ['no position', JSON.stringify({ v: 2, state: {}, timer: [0, 0] })],
    ['a number that was not finite', JSON.stringify({ v: 2, ...position, state: {}, timer: [NaN, 0] })],
  ])('is damaged: %s', (_, text) => {
    expect(() => decodeSnapshot('user.a', Buffer.from(text), 1, kind)).toThrow(
      expect.objectContaining({ code: 'SNAPSHOT_DAMAGED', family: 'Invariant' }),
    );
  });

  it('is damaged where its kind does not know the state', () => {
    const strict = {
      ...kind,
      revive: () => {
        throw new Error('not mine');
      },
    };
    const bytes = encodeSnapshot(new Activation('user.a', { kind: 'user', token: 'a' }, {}), position);
    expect(() => decodeSnapshot('user.a', bytes, 1, strict)).toThrow(
      expect.objectContaining({ code: 'SNAPSHOT_DAMAGED' }),
    );
  });
});

describe('a checkpoint', () => {
  it('comes back whole', async () => {
    const shared = createTotals();
    const state = { ...freshPartitionState(SETTINGS, { total: 7 }, true), sequence: 9, foldTimeMs: 5 };
    state.term = [3, 1];
    state.watermarks.set('2:id', [4, 1]);
    state.chains.set('x', [9, 0]);
    state.counters.folded = 9;
    state.idKey = 'secret';
    for (const sequence of [3, 4, 9]) state.redriven.add(sequence);
    const checkpoint = {
      position,
      state,
      timers: [['user.a', 77, 5]] as const,
      marks: [[4, 2]] as const,
      owed: ['user.a'],
    };
    expect(decodeCheckpoint(await encodeCheckpoint(checkpoint, new Slices(systemClock)), shared)).toEqual(checkpoint);
  });

  it('is damaged where anything of it is missing', () => {
    expect(() => decodeCheckpoint(Buffer.from(JSON.stringify({ v: 2, ...position })), createTotals())).toThrow(
      expect.objectContaining({ code: 'CHECKPOINT_DAMAGED' }),
    );
  });
});

describe('what another build has stored', () => {
  it.each([
    [3, 'DATA_TOO_NEW'],
    [1, 'DATA_TOO_OLD'],
  ])('is refused by its schema, %i, before anything else of it is looked at: %s', (v, code) => {
    const bytes = Buffer.from(JSON.stringify({ v, whatever: true }));
    const refused = expect.objectContaining({ family: 'Configuration', code });
    expect(() => decodeSnapshot('user.a', bytes, 1, kind)).toThrow(refused);
    expect(() => decodeCheckpoint(bytes, createTotals())).toThrow(refused);
  });

  it('is refused where a checkpoint’s records are folded by rules that are not known', async () => {
    const state = freshPartitionState(SETTINGS, { total: 7 }, true, 2);
    const bytes = await encodeCheckpoint({ position, state, timers: [], marks: [] }, new Slices(systemClock));
    expect(() => decodeCheckpoint(bytes, createTotals())).toThrow(
      expect.objectContaining({ code: 'SEMANTICS_TOO_NEW' }),
    );
  });
});

describe('a fingerprint', () => {
  it('tells records apart by subject and payload, and where the one ends and the other begins', () => {
    const of = (subject: string, text: string) => fingerprintOf(subject, Buffer.from(text));
    expect(of('a', 'b')).toBe(of('a', 'b'));
    expect(new Set([of('a', 'b'), of('a', 'c'), of('ab', ''), of('', 'ab')]).size).toBe(4);
  });
});
