/** Campaigns as the campaign actor, the partitions' replicas and the API see them. Money is whole cents. */
import { z } from 'zod';
import { JsonEntries } from '../kernel/json-pieces.js';
import { OrderedMap } from '../kernel/ordered-map.js';
import { idSchema, labelSchema } from './id-schema.js';

export const CAMPAIGN_STATES = ['draft', 'scheduled', 'live', 'paused', 'exhausted', 'ended'] as const;
export type CampaignStatus = (typeof CAMPAIGN_STATES)[number];

const cents = z.number().int().nonnegative().max(1e13);

const OFFER_FEATURES_MAX = 64;

/** One offer of a campaign: a candidate of promo surfaces. */
export const offerSchema = z.strictObject({
  id: idSchema(256),
  /** What one redemption costs the budget. */
  costCents: cents.min(1),
  features: z
    .record(z.string().max(64), z.number())
    .refine(
      (features) => Object.keys(features).length <= OFFER_FEATURES_MAX,
      `must have at most ${OFFER_FEATURES_MAX} keys`,
    )
    .default({}),
  category: labelSchema(64).optional(),
});
export type Offer = z.infer<typeof offerSchema>;

/** The payload of the command `define`. */
export const campaignDefinitionSchema = z.strictObject({
  name: z.string().min(1).max(200),
  surface: z.string().min(1).max(64),
  budgetCents: cents.min(1),
  /** How long an offer stands after its decision. */
  offerValidMs: z
    .number()
    .int()
    .min(1000)
    .max(30 * 86_400_000),
  startsAt: z.iso.datetime({ offset: true }).optional(),
  endsAt: z.iso.datetime({ offset: true }).optional(),
  offers: z.array(offerSchema).min(1).max(50),
});
export type CampaignDefinition = z.infer<typeof campaignDefinitionSchema>;

export const CAMPAIGN_COMMANDS = ['define', 'schedule', 'launch', 'pause', 'resume', 'end', 'raise-budget'] as const;
export type CampaignCommandName = (typeof CAMPAIGN_COMMANDS)[number];

/**
 * What every partition knows of a campaign (SharedState). Invariant, after every record:
 * spentCents + heldCents ≤ grantedCents, and over all partitions the sum of grantedCents ≤ the budget.
 */
export interface CampaignReplica {
  readonly id: string;
  readonly status: CampaignStatus;
  readonly surface: string;
  readonly offerValidMs: number;
  readonly offers: readonly Offer[];
  /** Allotment this partition has been granted, less what it has returned. */
  readonly grantedCents: number;
  readonly heldCents: number;
  readonly spentCents: number;
  /** A request for more is on its way; no second one until it is answered. */
  readonly asked: boolean;
  /** The campaign asked for money back when all of it was held: the next release goes back. */
  readonly recalled: boolean;
}

/**
 * The partition's shared state (SharedState): every campaign that was scheduled or launched and has not ended, or still has holds. It is
 * immutable and shares all but what changed with the ledger before it: a launch, a hold and a look-up cost O(log n), and
 * whoever holds one holds what the partition knew at that sequence.
 */
export class CampaignLedger implements Iterable<CampaignReplica> {
  static readonly EMPTY = new CampaignLedger(OrderedMap.empty(), OrderedMap.empty());

  private constructor(
    private readonly byId: OrderedMap<CampaignReplica>,
    private readonly liveBySurface: OrderedMap<OrderedMap<CampaignReplica>>,
  ) {}

  static of(replicas: Iterable<CampaignReplica>): CampaignLedger {
    let ledger = CampaignLedger.EMPTY;
    for (const replica of replicas) ledger = ledger.with(replica);
    return ledger;
  }

  get size(): number {
    return this.byId.size;
  }

  get(id: string): CampaignReplica | undefined {
    return this.byId.get(id);
  }

  /** The live campaigns that pay for offers on a surface, in the order of their ids. */
  liveOn(surface: string): OrderedMap<CampaignReplica> {
    return this.liveBySurface.get(surface) ?? OrderedMap.empty();
  }

  /** With this replica in the place of what was known under its id. */
  with(replica: CampaignReplica): CampaignLedger {
    const before = this.byId.get(replica.id);
    const isLive = replica.status === 'live';
    let live = this.liveBySurface;
    if (before?.status === 'live' && !(isLive && before.surface === replica.surface)) live = withoutLive(live, before);
    if (isLive) live = live.with(replica.surface, this.liveOn(replica.surface).with(replica.id, replica));
    return new CampaignLedger(this.byId.with(replica.id, replica), live);
  }

  without(id: string): CampaignLedger {
    const before = this.byId.get(id);
    if (before === undefined) return this;
    const live = before.status === 'live' ? withoutLive(this.liveBySurface, before) : this.liveBySurface;
    return new CampaignLedger(this.byId.without(id), live);
  }

  /** In the order of their ids. */
  [Symbol.iterator](): Iterator<CampaignReplica> {
    return this.byId.values();
  }

  /** All of them as a record without a prototype (a campaign may be called `constructor`), made anew at each look. */
  get campaigns(): Readonly<Record<string, CampaignReplica>> {
    const record = Object.create(null) as Record<string, CampaignReplica>;
    for (const replica of this) record[replica.id] = replica;
    return record;
  }

  /** Many campaigns need not be encoded in one go. */
  toJSON(): { readonly campaigns: JsonEntries } {
    return { campaigns: new JsonEntries(this.byId) };
  }
}

function withoutLive(
  live: OrderedMap<OrderedMap<CampaignReplica>>,
  { id, surface }: CampaignReplica,
): OrderedMap<OrderedMap<CampaignReplica>> {
  const left = live.get(surface)!.without(id);
  return left.size === 0 ? live.without(surface) : live.with(surface, left);
}

/** Operations a user's fold makes on its partition's ledger (Effect `shared`). */
export type LedgerOp =
  | { readonly op: 'hold'; readonly campaign: string; readonly amountCents: number }
  | { readonly op: 'release'; readonly campaign: string; readonly amountCents: number }
  /** The hold was redeemed: held → spent, and the campaign actor is told. */
  | { readonly op: 'confirm'; readonly campaign: string; readonly amountCents: number; readonly decisionId: string }
  /** Not enough is left here for one more unit: ask the campaign actor, unless already asked. */
  | { readonly op: 'want'; readonly campaign: string };

export const availableCents = (replica: CampaignReplica): number =>
  replica.grantedCents - replica.heldCents - replica.spentCents;

/** The offer behind a candidate: its id is the offer's, or `<campaign>:<offer>` where two live campaigns share one. */
export const offerOf = (replica: CampaignReplica, candidateId: string): Offer | undefined =>
  replica.offers.find((offer) => offer.id === candidateId || `${replica.id}:${offer.id}` === candidateId);
