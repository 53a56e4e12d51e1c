import { describe, expect, it } from '@jest/globals';
import { deepFreeze } from '../../../test/support/deep-freeze.js';
import { availableCents, type CampaignLedger, type LedgerOp } from '../../messages/campaigns.js';
import { DEFAULT_FOLD_SETTINGS } from '../../messages/settings.js';
import type { Effect, SharedContext } from '../host/actor-kind.js';
import { CampaignLedgerState } from './ledger.js';

const ledgers = new CampaignLedgerState();
const ctx: SharedContext = { partition: 2, sequence: 1, atMs: 0, settings: DEFAULT_FOLD_SETTINGS, semantics: 1 };

/** Applies each step and returns the ledger after the last with the effects of all. */
function after(...steps: readonly (readonly [string, unknown])[]) {
  let shared: CampaignLedger = ledgers.create();
  const effects: Effect[] = [];
  for (const [name, body] of steps) {
    const applied = ledgers.apply(deepFreeze(shared), name, deepFreeze(body), ctx);
    shared = applied.shared;
    effects.push(...applied.effects);
  }
  const told = effects.map((e) =>
    e.to === 'actor' ? [e.name, (e.body as { amountCents?: number }).amountCents] : [e.to],
  );
  return { shared, effects, told, spring: shared.get('spring') };
}

const state = (status: string, campaign = 'spring') =>
  [
    'campaign.state',
    { campaign, status, surface: 's', offerValidMs: 1000, offers: [{ id: 'o', costCents: 50, features: {} }] },
  ] as const;
const granted = (amountCents: number, campaign = 'spring') => ['allotment.granted', { campaign, amountCents }] as const;
const recall = ['allotment.recall', { campaign: 'spring' }] as const;
const op = (name: LedgerOp['op'], amountCents = 0) =>
  ['op', { op: name, campaign: 'spring', amountCents, decisionId: 'd1' }] as const;

describe('campaign ledger', () => {
  it('moves money from granted to held to spent, and tells the campaign what was spent', () => {
    const { spring, effects } = after(state('live'), granted(200), op('hold', 50), op('hold', 50), op('confirm', 50));
    expect(spring).toMatchObject({ grantedCents: 200, heldCents: 50, spentCents: 50 });
    expect(effects).toEqual([
      {
        to: 'actor',
        address: { kind: 'campaign', token: 'spring' },
        name: 'spend.confirmed',
        body: { partition: 2, amountCents: 50, decisionId: 'd1' },
      },
    ]);
  });

  it.each([
    ['hold', [state('live'), granted(100), op('hold', 60), op('hold', 41)]],
    ['release', [state('live'), granted(100), op('hold', 60), op('release', 61)]],
    ['confirm', [state('live'), granted(100), op('hold', 60), op('confirm', 61)]],
    ['negative hold', [state('live'), granted(100), op('hold', -1)]],
    ['hold of an unknown campaign', [op('hold', 1)]],
    ['unknown name', [['spend', {}] as const]],
  ])('throws on a %s beyond what is there', (_, steps) => {
    expect(() => after(...steps)).toThrow(expect.objectContaining({ code: 'LEDGER_INVARIANT' }) as unknown as Error);
  });

  it('takes the first allotment with the news of the launch', () => {
    const [name, launched] = state('live');
    const { spring } = after([name, { ...launched, grantedCents: 70 }], state('paused'), state('live'));
    expect(spring).toMatchObject({ status: 'live', grantedCents: 70 });
  });

  it('asks once for more until it is answered', () => {
    const asked = after(state('live'), granted(20), op('want'), op('want'));
    expect(asked.effects).toMatchObject([
      { name: 'allotment.requested', body: { partition: 2, wantCents: 30, offersMaxCents: 50 } },
    ]);
    expect(after(state('live'), granted(20), op('want'), granted(10), op('want')).effects).toHaveLength(2);
    expect(after(state('live'), granted(50), op('want')).effects).toMatchObject([{ body: { wantCents: 50 } }]);
    expect(after(state('paused'), op('want')).effects).toEqual([]);
    expect(after(op('want')).effects).toEqual([]);
  });

  it('gives back what is unused on recall', () => {
    const { spring, told } = after(state('live'), granted(200), op('hold', 50), recall);
    expect(spring).toMatchObject({ grantedCents: 50, heldCents: 50 });
    expect(told).toEqual([['allotment.returned', 150]]);
  });

  it('answers a recall exactly once, by the first release when all is held', () => {
    const held = [state('live'), granted(100), op('hold', 50), op('hold', 50), recall] as const;
    expect(after(...held).told).toEqual([]);
    const released = after(...held, op('release', 50), op('release', 50));
    expect(released.told).toEqual([['allotment.returned', 50]]);
    expect(released.spring).toMatchObject({ grantedCents: 50, heldCents: 0, recalled: false });
  });

  it('answers a recall with nothing when all that was held is spent', () => {
    const { told } = after(state('live'), granted(100), op('hold', 100), recall, op('confirm', 100));
    expect(told).toEqual([
      ['spend.confirmed', 100],
      ['allotment.returned', 0],
    ]);
    expect(after(state('live'), recall).told).toEqual([['allotment.returned', 0]]);
  });

  it('honours holds past the end, gives the rest back, and then forgets the campaign', () => {
    const ended = [state('live'), granted(200), op('hold', 50), op('hold', 50), state('ended')] as const;
    expect(after(...ended).told).toEqual([['allotment.returned', 100]]);
    const over = after(...ended, op('confirm', 50), op('release', 50));
    expect(over.told).toEqual([
      ['allotment.returned', 100],
      ['spend.confirmed', 50],
      ['allotment.returned', 50],
    ]);
    expect(Object.keys(over.shared.campaigns)).toEqual([]);
  });

  it('keeps no grant that comes after the end, held money or not', () => {
    const ended = [state('live'), granted(100), op('hold', 50), state('ended')] as const;
    const { told, spring } = after(...ended, granted(70));
    expect(told).toEqual([
      ['allotment.returned', 50],
      ['allotment.returned', 70],
    ]);
    expect(spring).toMatchObject({ grantedCents: 50, heldCents: 50 });
    expect(after(...ended, granted(70), op('release', 50)).shared.size).toBe(0);
  });

  it('costs a change of one campaign no more with many others, and leaves the ledger before it as it was', () => {
    let shared = ledgers.create();
    const apply = (name: string, body: unknown): void => void (shared = ledgers.apply(shared, name, body, ctx).shared);
    for (let i = 0; i < 20_000; i++) apply(...state('live', `c${i}`));
    const before = shared;
    apply(...granted(100, 'c7'));
    apply('op', { op: 'hold', campaign: 'c7', amountCents: 50 });
    expect(before.get('c7')).toMatchObject({ grantedCents: 0, heldCents: 0 });
    expect(shared.get('c7')).toMatchObject({ grantedCents: 100, heldCents: 50 });
    const [then, now] = [new Set(nodesOf(before)), nodesOf(shared)];
    // Two changes of two trees, each a path from the root: what is new does not grow with what there is.
    expect(now.filter((node) => !then.has(node)).length).toBeLessThan(4 * 30);
  });

  it('sends back a grant or a recall that comes for a campaign it has forgotten', () => {
    expect(after(granted(70)).told).toEqual([['allotment.returned', 70]]);
    expect(after(recall).told).toEqual([['allotment.returned', 0]]);
  });

  it('is not confused by campaigns with the names of properties', () => {
    for (const id of ['__proto__', 'constructor', 'hasOwnProperty']) {
      const { shared } = after(state('live', id), granted(5, id));
      expect(Object.keys(shared.campaigns)).toEqual([id]);
      const revived = ledgers.revive(JSON.parse(JSON.stringify(shared)));
      expect(Object.values(revived.campaigns)).toMatchObject([{ id, grantedCents: 5 }]);
    }
    expect(ledgers.create().get('constructor')).toBeUndefined();
  });

  it('refuses a saved ledger that does not balance', () => {
    const { shared } = after(state('live'), granted(100));
    expect(ledgers.revive(JSON.parse(JSON.stringify(shared)))).toEqual(shared);
    const saved = { campaigns: { spring: { ...shared.get('spring'), heldCents: 101 } } };
    expect(() => ledgers.revive(saved)).toThrow();
    expect(() => ledgers.revive({})).toThrow();
  });

  it.each([
    [true, 'live, with all of it there', 100, [state('live'), granted(100)]],
    [true, 'live, with as much there as is reserved', 50, [state('live'), granted(100), op('hold', 50)]],
    [false, 'live, with less there than is reserved', 51, [state('live'), granted(100), op('hold', 50)]],
    [false, 'ended', 1, [state('live'), granted(100), state('ended')]],
    [false, 'not known', 1, []],
  ] as const)('%p: it suffices for what is reserved of a campaign that is %s', (suffices, _, amountCents, steps) => {
    const { shared } = after(...steps);
    const own = new CampaignLedgerState();
    const holds = [{ campaign: 'spring', offer: 'o', amountCents }];
    own.reserve({ holds });
    expect(own.suffices(shared, { holds })).toBe(suffices);
    expect(own.suffices(shared, { holds: [] })).toBe(true);
  });

  it.each([
    ['confirmed', []],
    ['released', []],
    ['confirmed', [recall]],
    ['released', [recall]],
  ] as const)('what is %s leaves no less to others than before (after %j)', (end, before) => {
    const left = ({ spring }: ReturnType<typeof after>): number => availableCents(spring!);
    const steps = [state('live'), granted(100), op('hold', 60), ...before];
    const over = after(...steps, op(end === 'confirmed' ? 'confirm' : 'release', 60));
    expect(left(over)).toBeGreaterThanOrEqual(left(after(...steps)));
  });

  it('reserves what decisions on their way would hold, and nothing for other records', () => {
    const own = new CampaignLedgerState();
    const hold = (campaign: string, amountCents: number) => ({ campaign, amountCents, candidateId: 'o', untilMs: 0 });
    const decision = { holds: [hold('spring', 50), hold('autumn', 20), hold('spring', 5)] };
    own.reserve(decision);
    own.reserve({ name: 'launch' });
    own.reserve(null);
    expect([own.reserved('spring'), own.reserved('autumn'), own.reserved('winter')]).toEqual([55, 20, 0]);
    own.release(decision);
    expect(own.reserved('spring')).toBe(0);
    expect(() => own.release(decision)).toThrow();
    own.reserve(decision);
    own.clear();
    expect(own.reserved('spring')).toBe(0);
  });
});

/** Every object of a ledger's trees. */
function nodesOf(ledger: CampaignLedger): object[] {
  const found = new Set<object>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || found.has(value)) return;
    found.add(value);
    for (const part of Object.values(value)) visit(part);
  };
  visit(ledger);
  return [...found];
}
