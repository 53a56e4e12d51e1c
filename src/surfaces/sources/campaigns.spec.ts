import { describe, expect, it } from '@jest/globals';
import { CampaignLedger, offerOf, type CampaignReplica } from '../../messages/campaigns.js';
import { CANDIDATES_MAX, candidateSchema } from '../../messages/decisions.js';
import { DEFAULT_FOLD_SETTINGS } from '../../messages/settings.js';
import { campaignsSource } from './campaigns.js';

const replica = (id: string, over: Partial<CampaignReplica> = {}): CampaignReplica => ({
  id,
  status: 'live',
  surface: 'promo.discount',
  offerValidMs: 60_000,
  offers: [{ id: 'ten', costCents: 1000, features: { percent: 10 }, category: 'discount' }],
  grantedCents: 5000,
  heldCents: 0,
  spentCents: 0,
  asked: false,
  recalled: false,
  ...over,
});

const ask = (replicas: readonly CampaignReplica[], nowMs = 0) =>
  campaignsSource.candidates({
    surface: 'promo.discount',
    context: {},
    nowMs,
    settings: DEFAULT_FOLD_SETTINGS,
    ledger: CampaignLedger.of(replicas),
    zones: { get: () => undefined, all: () => [], staleMs: () => 0 },
  });

describe('campaigns source', () => {
  it('offers what live campaigns of the surface offer, with what it costs', () => {
    const { candidates, degraded } = ask([
      replica('spring'),
      replica('paused', { status: 'paused' }),
      replica('elsewhere', { surface: 'upsell.offer' }),
    ]);
    expect(degraded).toEqual([]);
    expect(candidates).toEqual([
      {
        id: 'ten',
        campaign: 'spring',
        features: { percent: 10, costCents: 1000 },
        category: 'discount',
        nonPersonal: true,
      },
    ]);
    expect(candidateSchema.parse(candidates[0])).toEqual(candidates[0]);
  });

  it('does not let an offer lie about its cost by a feature of that name', () => {
    const offers = [{ id: 'ten', costCents: 1000, features: { costCents: 1 } }];
    expect(ask([replica('spring', { offers })]).candidates[0]!.features['costCents']).toBe(1000);
  });

  it('tells the same offer id of two campaigns apart, findably', () => {
    const [b, a] = [replica('b'), replica('a')];
    const { candidates } = ask([b, a]);
    expect(candidates.map((c) => [c.id, c.campaign])).toEqual([
      ['ten', 'a'],
      ['b:ten', 'b'],
    ]);
    expect(offerOf(b, 'b:ten')).toBe(b.offers[0]);
    expect(offerOf(b, 'a:ten')).toBeUndefined();
  });

  it('looks at campaigns of its own surface only, however many others are live', () => {
    const own = [replica('a'), replica('b')];
    const ledger = CampaignLedger.of([
      ...own,
      ...Array.from({ length: 20_000 }, (_, i) => replica(`c${i}`, { surface: `s${i % 50}` })),
    ]);
    expect([...ledger.liveOn('promo.discount').values()]).toEqual(own);
    expect(ledger.liveOn('s7').size).toBe(400);
    expect(ledger.liveOn('nowhere').size).toBe(0);
  });

  it('offers at most CANDIDATES_MAX, says so, and gives each campaign its turn', () => {
    const offers = Array.from({ length: 50 }, (_, i) => ({ id: `o${i}`, costCents: 1, features: {} }));
    const many = Array.from({ length: 20 }, (_, i) => replica(`c${i}`, { offers }));
    const seen = new Set<string>();
    for (let turn = 0; turn < 40; turn++) {
      const { candidates, degraded } = ask(many, turn * 10_000);
      expect(degraded).toEqual(['campaigns']);
      expect(candidates).toHaveLength(CANDIDATES_MAX);
      expect(new Set(candidates.map(({ id }) => id)).size).toBe(CANDIDATES_MAX);
      for (const { campaign } of candidates) seen.add(campaign!);
    }
    expect(seen.size).toBe(many.length);
    expect(ask(many.slice(0, 10))).toMatchObject({ degraded: [] });
    expect(ask(many.slice(0, 10)).candidates).toHaveLength(CANDIDATES_MAX);
  });

  it('offers the same within a turn, whoever asks', () => {
    const many = Array.from({ length: 600 }, (_, i) =>
      replica(`c${i}`, { offers: [{ id: `o${i}`, costCents: 1, features: {} }] }),
    );
    expect(ask(many, 123_456)).toEqual(ask([...many].reverse(), 123_457));
  });
});
