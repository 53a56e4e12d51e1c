/** What the engine's own actors promise, recounted from the journals. */
import { isDeepStrictEqual } from 'node:util';
import { latLngToCell } from 'h3-js';
import type { CampaignLedger } from '../../messages/campaigns.js';
import type { Experience } from '../../messages/decisions.js';
import { decodePosition } from '../../messages/tokens.js';
import type { SpendConfirmedBody } from '../campaign/protocol.js';
import type { CampaignState } from '../campaign/campaign.state.js';
import type { ZoneState } from '../zone/zone.state.js';
import { broken, checkApps, recordAt, stateOf, type Violation } from './checks.js';
import type { Replay } from './replay.js';
import { checkCaps } from './town-cap-checks.js';
import { checkConsent } from './town-consent-checks.js';
import { checkPropensities } from './town-propensity-checks.js';
import { bodyOf, decisionsOf } from './town-records.js';
import { checkRest } from './town-rest-checks.js';
import { checkRewards } from './town-reward-checks.js';
import { checkSupply } from './town-supply-checks.js';
import { townSettings } from './town.js';
import { TOWN_CAMPAIGNS, type TownPromises } from './town-promises.js';

type Replays = readonly Replay<CampaignLedger>[];

export function checkTown(replays: Replays, promises: TownPromises): Violation[] {
  return [
    ...checkApps(replays, promises.apps),
    ...checkTold(replays, promises),
    ...checkCaps(replays),
    ...checkConsent(replays, promises),
    ...checkRewards(replays),
    ...checkPropensities(replays),
    ...checkRest(replays),
    ...checkMoney(replays),
    ...checkExperience(replays),
    ...checkZones(replays),
    ...checkSupply(replays),
  ];
}

/** After every single record: nobody holds or spends what was not granted, and not more is granted than there is. */
export function brokenMoney(replay: Replay<CampaignLedger>): string | undefined {
  for (const { id, grantedCents, heldCents, spentCents } of replay.shared) {
    if (heldCents < 0 || heldCents + spentCents > grantedCents) {
      return `${id}: ${heldCents} held and ${spentCents} spent of ${grantedCents}`;
    }
  }
  for (const { address, state } of replay.actors.values()) {
    if (address.kind !== 'campaign') continue;
    const { budgetCents, granted } = (state as CampaignState).budget;
    const total = granted.reduce((sum, cents) => sum + cents, 0);
    if (total > budgetCents) return `${address.token}: ${total} granted of ${budgetCents}`;
  }
  return undefined;
}

/** What was answered stands in the journal and counts; one request is decided once; tokens were waited for. */
function checkTold(replays: Replays, { decisions, commands }: TownPromises): Violation[] {
  const violations: Violation[] = [];
  const ids = new Map<string, string>();
  for (const { user, request, id, partition, sequence } of decisions) {
    const found = recordAt(replays, partition, sequence);
    if (found?.cls !== 'decision' || found.verdict !== 'applied' || bodyOf(found).id !== id) {
      violations.push(
        broken(
          'acknowledged-decision-kept',
          `decision ${id}: ${found?.verdict ?? 'nothing'} at ${partition}:${sequence}`,
        ),
      );
      continue;
    }
    const key = `${user} ${request.requestId}`;
    const other = ids.get(key) ?? id;
    // A stand-in forgets with its session what it was asked, and with its consent a subject becomes another actor.
    if (found.kind === 'user') ids.set(key, other);
    if (found.kind === 'user' && other !== id)
      violations.push(broken('request-decided-once', `${key} was answered by ${other} and ${id}`));
    const { basedOn, degraded } = bodyOf(found);
    if (request.after === undefined || degraded.includes('after')) continue;
    const after = decodePosition(request.after);
    if (basedOn < after.sequence) {
      violations.push(
        broken('tokens-honoured', `decision ${id} is based on ${basedOn}, its token says ${after.sequence}`),
      );
    }
  }
  for (const { campaign, partition, sequence, commandId } of commands) {
    const found = recordAt(replays, partition, sequence);
    const body = found?.json.body as { commandId?: string } | undefined;
    if (found?.cls === 'command' && found.verdict === 'applied' && body?.commandId === commandId) continue;
    violations.push(
      broken('acknowledged-command-kept', `${commandId} of ${campaign}: ${found?.verdict} at ${partition}:${sequence}`),
    );
  }
  return violations;
}

/** Every spent cent was held by a decision and is known to its campaign; all allotments together are within the budget. */
function checkMoney(replays: Replays): Violation[] {
  const violations: Violation[] = [];
  const held = new Map<string, number>();
  for (const record of replays.flatMap(decisionsOf)) {
    for (const { campaign, amountCents } of bodyOf(record).holds) {
      const key = `${campaign} ${bodyOf(record).id}`;
      held.set(key, (held.get(key) ?? 0) + amountCents);
    }
  }
  for (const campaign of TOWN_CAMPAIGNS) {
    const state = stateOf<CampaignState>(replays, 'campaign', campaign);
    if (!state) continue;
    const paid = new Map<string, number>();
    const spent = replays.map(() => 0);
    for (const [partition, { emissions }] of replays.entries()) {
      for (const { subject, body } of emissions) {
        if (!subject.endsWith(`.campaign.${campaign}.spend.confirmed`)) continue;
        const { decisionId, amountCents } = body as SpendConfirmedBody;
        paid.set(decisionId, (paid.get(decisionId) ?? 0) + amountCents);
        spent[partition]! += amountCents;
      }
    }
    const total = spent.reduce((sum, cents) => sum + cents, 0);
    const { budgetCents } = state.budget;
    if (total > budgetCents) violations.push(broken('budgets-exact', `${campaign}: ${total} spent of ${budgetCents}`));
    if (spent.some((cents, partition) => cents !== (state.budget.spent[partition] ?? 0))) {
      violations.push(
        broken(
          'outputs-counted-once',
          `${campaign}: ${spent.join()} spent, its actor knows ${state.budget.spent.join()}`,
        ),
      );
    }
    for (const [id, cents] of paid) {
      const most = held.get(`${campaign} ${id}`) ?? 0;
      if (cents > most)
        violations.push(broken('budgets-exact', `${campaign}: ${cents} paid for ${id}, which held ${most}`));
    }
  }
  return violations;
}

/**
 * Every decision has exactly one experience, and one that was refused is taken back exactly once. Corrections come after
 * it, each of what was said last, and each says something new.
 */
function checkExperience(replays: Replays): Violation[] {
  const violations: Violation[] = [];
  for (const replay of replays) {
    const told = new Map<string, string[]>();
    const said = new Map<string, Pick<Experience, 'status' | 'reward' | 'rewardedId' | 'credits'>>();
    for (const { target, body } of replay.emissions) {
      if (target !== 'x') continue;
      const { decisionId, status, reward, rewardedId, credits, corrects } = body as Experience;
      const now = { reward, rewardedId, ...(credits === undefined ? {} : { credits }) };
      if (status === 'corrected') {
        const { status: _status, ...before } = corrects ?? {};
        const isNew = !isDeepStrictEqual(before, now);
        if (!isNew || !isDeepStrictEqual(corrects, said.get(decisionId)))
          violations.push(broken('corrections-chain', `${decisionId}: ${JSON.stringify(corrects)}`));
        said.set(decisionId, { status: said.get(decisionId)?.status ?? status, ...now });
        continue;
      }
      told.set(decisionId, [...(told.get(decisionId) ?? []), status === 'refused' ? 'refused' : 'emitted']);
      said.set(decisionId, { status, ...now });
    }
    for (const record of replay.records) {
      if (record.cls !== 'decision' || (record.verdict !== 'applied' && record.verdict !== 'refused')) continue;
      const statuses = told.get(bodyOf(record).id) ?? [];
      const wanted = record.verdict === 'applied' ? 'emitted' : 'refused';
      if (statuses.length === 1 && statuses[0] === wanted) continue;
      violations.push(
        broken('experience-once', `${record.verdict} decision ${bodyOf(record).id}: ${statuses.join() || 'none'}`),
      );
    }
  }
  return violations;
}

/** Each source's id once; what has none, each time. */
const idOf = (token: string, { source, id }: Record<string, unknown>, { sequence }: { sequence: number }): string =>
  id === undefined ? `${token} ${sequence}` : `${token} ${String(source)} ${String(id)}`;

/** Zones count each pickup once. */
function checkZones(replays: Replays): Violation[] {
  const { h3Resolution } = townSettings(1);
  const pickups = new Map<string, number>();
  const known = new Set<string>();
  for (const { cls, name, token, json, record, verdict } of replays.flatMap((replay) => replay.records)) {
    if (cls !== 'event' || verdict === 'poison' || json.data === undefined) continue;
    const key = idOf(token, json, record);
    const isRepeat = known.has(key);
    known.add(key);
    if (name !== 'pickup' || isRepeat || verdict === 'rejected') continue;
    const { lat, lng } = json.data as { lat: number; lng: number };
    const cell = latLngToCell(lat, lng, h3Resolution);
    pickups.set(cell, (pickups.get(cell) ?? 0) + 1);
  }
  return [...pickups].flatMap(([cell, count]) => {
    const counted = stateOf<ZoneState>(replays, 'zone', cell)?.pickupsTotal ?? 0;
    return counted === count ? [] : [broken('outputs-counted-once', `${cell}: ${count} pickups, ${counted} counted`)];
  });
}
