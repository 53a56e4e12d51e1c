import { describe, expect, it } from '@jest/globals';
import { operationsOf, replica, surfaceWith, UserRig } from '../../../test/support/user-actor.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A cap of one a day, counted once it was seen; the offer stands for 15 minutes. */
const promo = surfaceWith({
  reward: { windowMs: 24 * HOUR, signals: { accept: { value: 1 } }, impression: 'required' },
  caps: [{ scope: 'surface', max: 1, windowMs: 24 * HOUR }],
  validMs: 15 * MINUTE,
});
const pickup = surfaceWith({
  id: 'test.pickup',
  reward: { windowMs: 30 * MINUTE, signals: {}, impression: 'assumed' },
});
const offer = { candidates: [{ id: 'five', campaign: 'c1' }] };

const rigWith = (): UserRig => {
  const rig = new UserRig({ surfaces: [promo, pickup] }).consent();
  rig.ledger = { campaigns: { c1: replica('c1', { offerValidMs: 15 * MINUTE }) } };
  return rig;
};

/** As many decisions as close the oldest early, within six minutes. */
function crowd(rig: UserRig): void {
  for (let i = 0; i < rig.settings.user.pendingMax; i++) {
    rig.pass(10_000);
    rig.decide({ surface: 'test.pickup' });
  }
}

const isCapped = (rig: UserRig): boolean => rig.ask({ candidates: [{ id: 'x' }] }).body.slate.length === 0;

describe('a decision that others push out before it was seen', () => {
  it('keeps its cap while its offer stands, and for good once it was seen', () => {
    const rig = rigWith();
    const first = rig.decide(offer);
    crowd(rig);
    expect(first.validUntilMs).toBeGreaterThan(rig.nowMs);
    expect(isCapped(rig)).toBe(true);
    expect(rig.event('impression', { decisionId: first.id }).outcome).toBe('applied');
    const taken = rig.event('accept', { decisionId: first.id });
    expect(operationsOf([taken])).toMatchObject([{ op: 'confirm' }]);
    rig.pass(HOUR);
    expect(isCapped(rig)).toBe(true);
    rig.pass(23 * HOUR);
    expect(isCapped(rig)).toBe(false);
  });

  it('loses its cap when the offer ends unseen, with a hold and without', () => {
    for (const candidates of [offer.candidates, [{ id: 'a' }]]) {
      const rig = rigWith();
      const { validUntilMs } = rig.decide({ candidates });
      crowd(rig);
      rig.pass(validUntilMs - rig.nowMs);
      expect(isCapped(rig)).toBe(true);
      rig.pass(rig.settings.campaign.holdGraceMs);
      expect(isCapped(rig)).toBe(false);
    }
  });

  it('keeps its cap where there is no room to remember that nobody has seen it', () => {
    const wide = surfaceWith({
      ...{ reward: { windowMs: 24 * HOUR, signals: {}, impression: 'required' }, validMs: 15 * MINUTE },
      caps: [{ scope: 'surface', max: 1000, windowMs: 24 * HOUR }],
    });
    const rig = new UserRig({ surfaces: [wide] }).consent();
    const { pendingMax } = rig.settings.user;
    for (let i = 0; i < 3 * pendingMax; i++) rig.decide();
    expect(rig.state.pending).toHaveLength(2 * pendingMax);
    rig.pass(HOUR);
    // Those that were forgotten count on; those that were known to be unseen, and those that are still open, do not differ.
    expect(rig.state.caps[0]!.at).toHaveLength(2 * pendingMax);
    expect(rig.state.pending).toHaveLength(pendingMax);
    rig.pass(24 * HOUR);
    expect(rig.state.pending).toEqual([]);
  });
});

describe('a decision whose window closes before its hold does', () => {
  it('keeps its cap until nobody can take it any more', () => {
    const short = surfaceWith({
      reward: { windowMs: 15 * MINUTE, signals: {}, impression: 'required' },
      caps: [{ scope: 'surface', max: 1, windowMs: 24 * HOUR }],
      validMs: 15 * MINUTE,
    });
    const rig = new UserRig({ surfaces: [short] }).consent();
    rig.ledger = { campaigns: { c1: replica('c1', { offerValidMs: 15 * MINUTE }) } };
    const { id } = rig.decide(offer);
    rig.pass(15 * MINUTE);
    expect(isCapped(rig)).toBe(true);
    expect(rig.event('accept', { decisionId: id }).outcome).toBe('applied');
    rig.pass(HOUR);
    expect(isCapped(rig)).toBe(true);
  });
});

describe('a surface that requires impressions', () => {
  it('has a window that covers its offers', () => {
    const reward = { windowMs: 59_999, signals: {}, impression: 'required' };
    expect(() => surfaceWith({ reward, validMs: 60_000 })).toThrow(
      /^reward\.windowMs: must be at least validMs \(60000\)/,
    );
    expect(() => surfaceWith({ reward: { ...reward, windowMs: 60_000 }, validMs: 60_000 })).not.toThrow();
    expect(() => surfaceWith({ reward: { ...reward, impression: 'assumed' }, validMs: 60_000 })).not.toThrow();
  });
});
