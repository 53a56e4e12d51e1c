import type { Effect, SharedContext, SharedState } from '../host/actor-kind.js';

/** What a partition knows of a toy campaign's budget. */
export interface ToyAllotment {
  readonly granted: number;
  readonly held: number;
  readonly spent: number;
  /** A request for more is on its way. */
  readonly asked: boolean;
  /** What users have given it. */
  readonly gifts: number;
}

export interface ToyLedger {
  readonly campaigns: Readonly<Record<string, ToyAllotment>>;
}

export type ToyLedgerOp =
  | { readonly op: 'hold' | 'release' | 'confirm'; readonly campaign: string; readonly amount: number }
  | { readonly op: 'want'; readonly campaign: string };

/** How much a partition asks for at once. */
export const TOY_CHUNK = 4;

const NOTHING: ToyAllotment = { granted: 0, held: 0, spent: 0, asked: false, gifts: 0 };

export const allotmentOf = (ledger: ToyLedger, campaign: string): ToyAllotment => ledger.campaigns[campaign] ?? NOTHING;

export const availableIn = (ledger: ToyLedger, campaign: string): number => {
  const { granted, held, spent } = allotmentOf(ledger, campaign);
  return granted - held - spent;
};

/** The shared state of toy partitions: allotments of campaigns' budgets, in units. */
export class ToyLedgerState implements SharedState<ToyLedger> {
  private readonly reservations = new Map<string, number>();

  create(): ToyLedger {
    return { campaigns: {} };
  }

  revive(saved: unknown): ToyLedger {
    return saved as ToyLedger;
  }

  apply(ledger: ToyLedger, name: string, body: unknown, ctx: SharedContext): { shared: ToyLedger; effects: Effect[] } {
    if (name === 'allotment.granted') {
      const { campaign, amount } = body as { campaign: string; amount: number };
      const known = allotmentOf(ledger, campaign);
      return {
        shared: changed(ledger, campaign, { ...known, granted: known.granted + amount, asked: false }),
        effects: [],
      };
    }
    if (name === 'gift') {
      const { campaign } = body as { campaign: string };
      const known = allotmentOf(ledger, campaign);
      // Tried again later, it can be folded.
      if (known.granted === 0) throw new Error('a gift before there is an allotment');
      return { shared: changed(ledger, campaign, { ...known, gifts: known.gifts + 1 }), effects: [] };
    }
    if (name !== 'op') throw new Error(`a toy ledger knows no ${name}`);
    return this.operate(ledger, body as ToyLedgerOp, ctx);
  }

  reserve(body: unknown): void {
    this.move(body, 1);
  }

  release(body: unknown): void {
    this.move(body, -1);
  }

  reserved(campaign: string): number {
    return this.reservations.get(campaign) ?? 0;
  }

  suffices(ledger: ToyLedger, body: unknown): boolean {
    const { campaign } = body as { campaign: string };
    return availableIn(ledger, campaign) >= this.reserved(campaign);
  }

  clear(): void {
    this.reservations.clear();
  }

  private move(body: unknown, sign: number): void {
    const { campaign, cost } = body as { campaign?: string; cost?: number };
    if (campaign !== undefined && cost !== undefined) {
      this.reservations.set(campaign, this.reserved(campaign) + sign * cost);
    }
  }

  private operate(ledger: ToyLedger, op: ToyLedgerOp, ctx: SharedContext): { shared: ToyLedger; effects: Effect[] } {
    const known = allotmentOf(ledger, op.campaign);
    const address = { kind: 'campaign', token: op.campaign } as const;
    switch (op.op) {
      case 'hold':
        if (availableIn(ledger, op.campaign) < op.amount) throw new Error('a hold beyond the allotment');
        return { shared: changed(ledger, op.campaign, { ...known, held: known.held + op.amount }), effects: [] };
      case 'release':
        return { shared: changed(ledger, op.campaign, { ...known, held: known.held - op.amount }), effects: [] };
      case 'confirm': {
        const next = { ...known, held: known.held - op.amount, spent: known.spent + op.amount };
        const body = { partition: ctx.partition, amount: op.amount };
        return {
          shared: changed(ledger, op.campaign, next),
          effects: [{ to: 'actor', address, name: 'spend.confirmed', body }],
        };
      }
      case 'want': {
        if (known.asked) return { shared: ledger, effects: [] };
        const body = { partition: ctx.partition, amount: TOY_CHUNK };
        return {
          shared: changed(ledger, op.campaign, { ...known, asked: true }),
          effects: [{ to: 'actor', address, name: 'allotment.requested', body }],
        };
      }
    }
  }
}

const changed = (ledger: ToyLedger, campaign: string, allotment: ToyAllotment): ToyLedger => ({
  campaigns: { ...ledger.campaigns, [campaign]: allotment },
});
