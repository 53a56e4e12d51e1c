/**
 * The partition's side of every campaign's budget. What a partition was granted it holds, confirms and releases by its
 * own journal order, so no other partition's timing can make it spend a cent too much.
 */
import { EngineError } from '../../kernel/errors.js';
import { encodeToken } from '../../kernel/ids.js';
import { availableCents, CampaignLedger, type CampaignReplica, type LedgerOp } from '../../messages/campaigns.js';
import type { Hold } from '../../messages/decisions.js';
import type { Effect, SharedContext, SharedState } from '../host/actor-kind.js';
import { reviveLedger } from './ledger-codec.js';
import type { AllotmentGrantedBody, AllotmentRecallBody, CampaignStateBody } from './protocol.js';

interface Change {
  readonly shared: CampaignLedger;
  readonly effects: readonly Effect[];
}

/** Shared state `CampaignLedger`: names `op` (LedgerOp), `campaign.state`, `allotment.granted`, `allotment.recall`. */
export class CampaignLedgerState implements SharedState<CampaignLedger> {
  private readonly reservations = new Map<string, number>();

  create(): CampaignLedger {
    return CampaignLedger.EMPTY;
  }

  revive(saved: unknown): CampaignLedger {
    return reviveLedger(saved);
  }

  /** Throws Invariant `LEDGER_INVARIANT` for anything that would spend, hold or release what is not there. */
  apply(shared: CampaignLedger, name: string, body: unknown, ctx: SharedContext): Change {
    switch (name) {
      case 'op':
        return operate(shared, body as LedgerOp, ctx.partition);
      case 'campaign.state':
        return hearState(shared, body as CampaignStateBody, ctx.partition);
      case 'allotment.granted':
        return beGranted(shared, body as AllotmentGrantedBody, ctx.partition);
      case 'allotment.recall':
        return beRecalled(shared, body as AllotmentRecallBody, ctx.partition);
      default:
        throw broken(`${name} is nothing a ledger knows`);
    }
  }

  reserve(body: unknown): void {
    this.book(body, 1);
  }

  release(body: unknown): void {
    this.book(body, -1);
  }

  reserved(key: string): number {
    return this.reservations.get(key) ?? 0;
  }

  /**
   * Actors confirm and release what is held, neither of which makes less available, and hold what their decisions have
   * reserved: so what covers all reservations covers each.
   */
  suffices(shared: CampaignLedger, body: unknown): boolean {
    const { holds } = body as { readonly holds: readonly Hold[] };
    return holds.every(({ campaign }) => {
      const replica = shared.get(campaign);
      return replica?.status === 'live' && availableCents(replica) >= this.reserved(campaign);
    });
  }

  clear(): void {
    this.reservations.clear();
  }

  /** Only decisions have holds; other owned records reserve nothing. */
  private book(body: unknown, sign: 1 | -1): void {
    const holds = (body as { holds?: readonly Hold[] } | null)?.holds;
    if (!Array.isArray(holds)) return;
    for (const { campaign, amountCents } of holds as readonly Hold[]) {
      const reserved = this.reserved(campaign) + sign * amountCents;
      if (reserved < 0) throw broken(`${-reserved} cents more were released than reserved`);
      if (reserved === 0) this.reservations.delete(campaign);
      else this.reservations.set(campaign, reserved);
    }
  }
}

function operate(shared: CampaignLedger, op: LedgerOp, partition: number): Change {
  const replica = shared.get(op.campaign);
  // An ended campaign without holds is forgotten; wanting more of it is wanting nothing.
  if (op.op === 'want') return replica ? want(shared, replica, partition) : { shared, effects: [] };
  if (!replica) throw broken(`campaign ${op.campaign} is not known here`);
  const { amountCents } = op;
  if (!Number.isSafeInteger(amountCents) || amountCents <= 0) throw broken(`${amountCents} is no amount of cents`);
  if (op.op === 'hold') {
    if (amountCents > availableCents(replica)) {
      throw broken(`a hold of ${amountCents} cents exceeds the ${availableCents(replica)} available`);
    }
    return { shared: shared.with({ ...replica, heldCents: replica.heldCents + amountCents }), effects: [] };
  }
  if (amountCents > replica.heldCents) throw broken(`${op.op} of ${amountCents} cents, ${replica.heldCents} are held`);
  const heldCents = replica.heldCents - amountCents;
  if (op.op === 'release') return giveWhatIsOwed(shared, { ...replica, heldCents }, amountCents, partition, []);
  const confirmed = tell(replica.id, 'spend.confirmed', { partition, amountCents, decisionId: op.decisionId });
  const spentCents = replica.spentCents + amountCents;
  return giveWhatIsOwed(shared, { ...replica, heldCents, spentCents }, 0, partition, [confirmed]);
}

/**
 * Asks for what one unit of the dearest offer lacks, once until it is answered. Who wants more than that (a slate of
 * several offers, decisions on their way that hold the unit already) asks for one unit on top.
 */
function want(shared: CampaignLedger, replica: CampaignReplica, partition: number): Change {
  const offersMaxCents = Math.max(...replica.offers.map((offer) => offer.costCents));
  const lackCents = offersMaxCents - availableCents(replica);
  const wantCents = lackCents > 0 ? lackCents : offersMaxCents;
  if (replica.asked || replica.status !== 'live') return { shared, effects: [] };
  const asks = tell(replica.id, 'allotment.requested', { partition, wantCents, offersMaxCents });
  return { shared: shared.with({ ...replica, asked: true }), effects: [asks] };
}

/**
 * After a hold is over: `freedCents` go back if the campaign has ended, or if it recalled money when all was held. A
 * recall that no hold is left to answer is answered with nothing, so that each has exactly one answer.
 */
function giveWhatIsOwed(
  shared: CampaignLedger,
  replica: CampaignReplica,
  freedCents: number,
  partition: number,
  told: readonly Effect[],
): Change {
  const ended = replica.status === 'ended';
  const answers = replica.recalled && (freedCents > 0 || replica.heldCents === 0);
  if (!answers && !(ended && freedCents > 0)) return { shared: settled(shared, replica), effects: told };
  const left = { ...replica, grantedCents: replica.grantedCents - freedCents, recalled: false };
  return {
    shared: settled(shared, left),
    effects: [...told, tell(replica.id, 'allotment.returned', { partition, amountCents: freedCents })],
  };
}

const NO_MONEY = { grantedCents: 0, heldCents: 0, spentCents: 0, asked: false, recalled: false };

function hearState(shared: CampaignLedger, body: CampaignStateBody, partition: number): Change {
  const { campaign, status, surface, offers, offerValidMs, grantedCents = 0 } = body;
  const known = shared.get(campaign) ?? NO_MONEY;
  const replica: CampaignReplica = {
    ...known,
    id: campaign,
    status,
    surface,
    offers,
    offerValidMs,
    grantedCents: known.grantedCents + grantedCents,
  };
  if (status !== 'ended') return { shared: shared.with(replica), effects: [] };
  return giveUnused(shared, { ...replica, asked: false }, partition, replica.recalled);
}

function beGranted(shared: CampaignLedger, body: AllotmentGrantedBody, partition: number): Change {
  const { campaign, amountCents } = body;
  const replica = shared.get(campaign);
  if (!replica) {
    // It ended and was forgotten while the grant was on its way.
    return { shared, effects: [tell(campaign, 'allotment.returned', { partition, amountCents })] };
  }
  const granted = { ...replica, grantedCents: replica.grantedCents + amountCents, asked: false };
  if (replica.status === 'ended') return giveUnused(shared, granted, partition, false);
  return { shared: shared.with(granted), effects: [] };
}

function beRecalled(shared: CampaignLedger, body: AllotmentRecallBody, partition: number): Change {
  const replica = shared.get(body.campaign);
  if (!replica) return { shared, effects: [tell(body.campaign, 'allotment.returned', { partition, amountCents: 0 })] };
  if (availableCents(replica) === 0 && replica.heldCents > 0) {
    return { shared: shared.with({ ...replica, recalled: true }), effects: [] };
  }
  return giveUnused(shared, replica, partition, true);
}

/** Gives back all that is neither held nor spent; nothing is said about nothing unless an answer is due. */
function giveUnused(shared: CampaignLedger, replica: CampaignReplica, partition: number, due: boolean): Change {
  const amountCents = availableCents(replica);
  const left = { ...replica, grantedCents: replica.grantedCents - amountCents, recalled: false };
  if (amountCents === 0 && !due) return { shared: settled(shared, left), effects: [] };
  return {
    shared: settled(shared, left),
    effects: [tell(replica.id, 'allotment.returned', { partition, amountCents })],
  };
}

/** An ended campaign is kept for as long as holds on it stand. */
function settled(shared: CampaignLedger, replica: CampaignReplica): CampaignLedger {
  return replica.status !== 'ended' || replica.heldCents > 0 ? shared.with(replica) : shared.without(replica.id);
}

const tell = (campaign: string, name: string, body: unknown): Effect => ({
  to: 'actor',
  address: { kind: 'campaign', token: encodeToken(campaign) },
  name,
  body,
});

const broken = (what: string): EngineError =>
  new EngineError('Invariant', 'LEDGER_INVARIANT', `A partition's campaign ledger does not balance: ${what}.`);
