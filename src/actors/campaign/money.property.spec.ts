/** The campaign and its partitions together: whatever the timing of their messages, no cent is made, lost or overspent. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { deepFreeze } from '../../../test/support/deep-freeze.js';
import { availableCents, CampaignLedger } from '../../messages/campaigns.js';
import { DEFAULT_FOLD_SETTINGS } from '../../messages/settings.js';
import type { Effect, FoldContext } from '../host/actor-kind.js';
import { outstandingCents, spentCents, unallottedCents } from './budget.js';
import { campaignKind } from './campaign.kind.js';
import { emptyCampaign, type CampaignState } from './campaign.state.js';
import { CampaignLedgerState } from './ledger.js';

const PARTITIONS = 3;
const settings = { ...DEFAULT_FOLD_SETTINGS, partitions: PARTITIONS };
const ledgers = new CampaignLedgerState();

interface Message {
  readonly name: string;
  readonly body: unknown;
}

/** One campaign, its partitions, and between each two of them a queue in chain order. */
class Town {
  campaign: CampaignState = emptyCampaign();
  readonly ledgers: CampaignLedger[] = Array.from({ length: PARTITIONS }, () => ledgers.create());
  readonly holds: number[][] = Array.from({ length: PARTITIONS }, () => []);
  readonly down: Message[][] = Array.from({ length: PARTITIONS }, () => []);
  readonly up: Message[][] = Array.from({ length: PARTITIONS }, () => []);
  confirmedCents = 0;
  budgetCents = 0;
  nowMs = 1_000_000;
  private sequence = 0;

  command(name: string, payload?: unknown): void {
    const body = { name, by: 'x', why: 'y', ...(payload === undefined ? {} : { payload }) };
    this.fold({ type: 'command', body });
    this.budgetCents = this.campaign.budget.budgetCents;
  }

  deliverDown(partition: number): void {
    const message = this.down[partition]!.shift();
    if (message) this.change(partition, message.name, message.body);
  }

  deliverUp(partition: number): void {
    const message = this.up[partition]!.shift();
    if (message) this.fold({ type: 'output', name: message.name, from: partition, body: message.body });
  }

  /** A decision with this offer: held if the budget is there, wanted if not. */
  hold(partition: number, costCents: number): void {
    const replica = this.ledgers[partition]!.get('c');
    if (replica?.status !== 'live') return;
    if (availableCents(replica) < costCents) return this.operate(partition, { op: 'want', campaign: 'c' });
    this.operate(partition, { op: 'hold', campaign: 'c', amountCents: costCents });
    this.holds[partition]!.push(costCents);
  }

  /** A decision that wants more than a unit. */
  want(partition: number): void {
    this.operate(partition, { op: 'want', campaign: 'c' });
  }

  close(partition: number, how: 'confirm' | 'release'): void {
    const amountCents = this.holds[partition]!.shift();
    if (amountCents === undefined) return;
    this.operate(partition, { op: how, campaign: 'c', amountCents, decisionId: 'd' });
    if (how === 'confirm') this.confirmedCents += amountCents;
  }

  /** Delivers until nothing is under way; true if that came to an end. */
  settle(): boolean {
    for (let round = 0; round < 500; round++) {
      let quiet = true;
      for (let p = 0; p < PARTITIONS; p++) {
        quiet &&= this.down[p]!.length === 0 && this.up[p]!.length === 0;
        this.deliverDown(p);
        this.deliverUp(p);
      }
      if (quiet && !this.wake()) return true;
    }
    return false;
  }

  /** Lets time pass until the campaign's timer fires; false if none is set. */
  wake(): boolean {
    const dueMs = campaignKind.timer(this.campaign);
    if (dueMs === 0) return false;
    this.nowMs = Math.max(this.nowMs, dueMs);
    this.fold({ type: 'timer', dueMs });
    return true;
  }

  check(): void {
    const { budget } = this.campaign;
    expect(unallottedCents(budget)).toBeGreaterThanOrEqual(0);
    expect(spentCents(budget)).toBeLessThanOrEqual(this.confirmedCents);
    expect(this.confirmedCents).toBeLessThanOrEqual(this.budgetCents);
    let elsewhere = 0;
    this.ledgers.forEach((ledger, p) => {
      const replica = ledger.get('c');
      if (replica) {
        expect(availableCents(replica)).toBeGreaterThanOrEqual(0);
        expect(replica.heldCents).toBe(this.holds[p]!.reduce((sum, cents) => sum + cents, 0));
        expect(replica.grantedCents).toBeLessThanOrEqual(budget.granted[p] ?? 0);
        elsewhere += replica.grantedCents - replica.spentCents;
      }
      elsewhere += amounts(this.down[p]!, 'allotment.granted') + amounts(this.down[p]!, 'campaign.state');
      elsewhere += amounts(this.up[p]!, 'allotment.returned');
    });
    // Every cent is unallotted, at a partition, under way, or spent.
    if (budget.granted.length > 0) {
      expect(unallottedCents(budget) + elsewhere + this.confirmedCents).toBe(this.budgetCents);
    }
    expect(new Set(budget.recalling).size).toBe(budget.recalling.length);
  }

  private operate(partition: number, op: object): void {
    this.change(partition, 'op', op);
  }

  private change(partition: number, name: string, body: unknown): void {
    const ctx = { partition, sequence: ++this.sequence, atMs: this.nowMs, settings, semantics: 1 };
    const { shared, effects } = ledgers.apply(deepFreeze(this.ledgers[partition]!), name, body, ctx);
    this.ledgers[partition] = shared;
    this.send(effects, partition);
  }

  private fold(record: Parameters<typeof campaignKind.fold>[1]): void {
    const ctx = {
      address: { kind: 'campaign', token: 'c' },
      sequence: ++this.sequence,
      atMs: this.nowMs,
      settings,
      shared: CampaignLedger.EMPTY,
      semantics: 1,
    };
    const folded = campaignKind.fold(deepFreeze(this.campaign), record, ctx as FoldContext<never>);
    if (folded.outcome !== 'applied') return;
    this.campaign = folded.state;
    this.send(folded.effects, 0);
  }

  private send(effects: readonly Effect[], from: number): void {
    for (const effect of effects) {
      if (effect.to === 'partition') this.down[effect.partition]!.push(effect);
      else if (effect.to === 'actor') this.up[from]!.push(effect);
    }
  }
}

/** What is under way in messages of a name; a launch sends first allotments along. */
const amounts = (messages: readonly Message[], name: string): number =>
  messages.reduce((sum, m) => {
    const { amountCents = 0, grantedCents = 0 } = m.body as { amountCents?: number; grantedCents?: number };
    return sum + (m.name === name ? amountCents + grantedCents : 0);
  }, 0);

const COSTS = [50, 30];
const partition = fc.integer({ min: 0, max: PARTITIONS - 1 });
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('hold' as const), p: partition, cost: fc.constantFrom(...COSTS) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('confirm' as const), p: partition }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('release' as const), p: partition }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('down' as const), p: partition }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('up' as const), p: partition }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('pause' as const, 'resume' as const, 'launch' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('want' as const), p: partition }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wake' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 700 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('raise' as const), by: fc.integer({ min: 1, max: 200 }) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function play(town: Town, step: Step): void {
  if (step.do === 'hold') town.hold(step.p, step.cost);
  else if (step.do === 'confirm' || step.do === 'release') town.close(step.p, step.do);
  else if (step.do === 'down') town.deliverDown(step.p);
  else if (step.do === 'up') town.deliverUp(step.p);
  else if (step.do === 'want') town.want(step.p);
  else if (step.do === 'wake') town.wake();
  else if (step.do === 'pass') town.nowMs += step.ms;
  else if (step.do === 'raise') town.command('raise-budget', { budgetCents: town.budgetCents + step.by });
  else town.command(step.do);
}

function opened(budgetCents: number): Town {
  const town = new Town();
  const offers = COSTS.map((costCents, i) => ({ id: `o${i}`, costCents }));
  town.command('define', { name: 'n', surface: 's', budgetCents, offerValidMs: 1000, offers });
  town.command('launch');
  return town;
}

const numRuns = Number(process.env['PROPERTY_RUNS'] ?? 400);

describe('campaign money', () => {
  it('is conserved and never overspent, in any interleaving', () => {
    fc.assert(
      fc.property(fc.integer({ min: 50, max: 1200 }), fc.array(step, { maxLength: 120 }), (budgetCents, steps) => {
        const town = opened(budgetCents);
        town.check();
        for (const step of steps) {
          play(town, step);
          town.check();
        }
        expect(town.settle()).toBe(true);
        town.check();
        expect(spentCents(town.campaign.budget)).toBe(town.confirmedCents);
      }),
      { numRuns },
    );
  });

  it('comes home when the campaign ends: what is not spent is unallotted again', () => {
    fc.assert(
      fc.property(fc.integer({ min: 50, max: 1200 }), fc.array(step, { maxLength: 80 }), (budgetCents, steps) => {
        const town = opened(budgetCents);
        for (const step of steps) play(town, step);
        town.command('end');
        expect(town.settle()).toBe(true);
        for (let p = 0; p < PARTITIONS; p++)
          while (town.holds[p]!.length > 0) town.close(p, p === 0 ? 'confirm' : 'release');
        expect(town.settle()).toBe(true);
        const { budget, status } = town.campaign;
        expect(status).toBe('ended');
        for (let p = 0; p < PARTITIONS; p++) {
          expect(outstandingCents(budget, p)).toBe(0);
          expect(town.ledgers[p]!.size).toBe(0);
        }
        expect(unallottedCents(budget)).toBe(town.budgetCents - town.confirmedCents);
      }),
      { numRuns },
    );
  });

  it('reaches whoever asks: with no holds left, one who keeps asking is served while a unit is unspent', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 50, max: 1200 }),
        fc.array(step, { maxLength: 80 }),
        partition,
        (budget, steps, p) => {
          const town = opened(budget);
          for (const step of steps) play(town, step);
          town.command('resume');
          for (let q = 0; q < PARTITIONS; q++) while (town.holds[q]!.length > 0) town.close(q, 'release');
          expect(town.settle()).toBe(true);
          const unspent = town.budgetCents - town.confirmedCents;
          // Another may be in line before it, and its money then be recalled for the asker in turn.
          for (let tries = 0; tries <= PARTITIONS && town.holds[p]!.length === 0; tries++) {
            town.hold(p, 50);
            expect(town.settle()).toBe(true);
          }
          expect(town.holds[p]!.length > 0).toBe(unspent >= 50);
        },
      ),
      { numRuns },
    );
  });

  it('is spent to the last offer when everybody wants it, without waiting for timers', () => {
    const town = opened(1000);
    for (let i = 0; i < 100; i++, town.nowMs += 5) {
      const p = i % PARTITIONS;
      town.hold(p, 50);
      town.close(p, 'confirm');
      for (let hops = 0; hops < 4; hops++) {
        for (let q = 0; q < PARTITIONS; q++) {
          town.deliverDown(q);
          town.deliverUp(q);
        }
      }
    }
    expect([town.confirmedCents, town.campaign.status]).toEqual([1000, 'exhausted']);
  });
});
