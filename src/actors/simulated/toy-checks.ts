/** What the toy actors promise their apps, recounted from the journals without the actors' own state. */
import { decodePosition } from '../../messages/tokens.js';
import { broken, checkApps, recordAt, stateOf, type Violation } from './checks.js';
import type { Replay, ReplayedRecord } from './replay.js';
import type { ToyLedger } from './toy-ledger.js';
import { TOY_BUDGET, TOY_CAMPAIGNS, TOY_ZONES, type ToyCampaignState, type ToyZoneState } from './toy-kinds.js';
import { TOY_CAP, type ToyClosing, type ToyDecision, type ToyUserState } from './toy-user.js';
import { toyWorth } from './toy-next-build.js';
import type { ToyPromises } from './toy-workload.js';

type Replays = readonly Replay<ToyLedger>[];

/** Clocks of hosts and server may run apart by so much while a cap's window is open. */
const DRIFT_MS = 5;

export function checkToys(replays: Replays, acked: ToyPromises): Violation[] {
  return [
    ...checkApps(replays, acked.apps),
    ...checkAcknowledged(replays, acked),
    ...checkCounts(replays),
    ...checkCaps(replays),
    ...checkBudgets(replays, acked),
    ...checkTokens(replays, acked),
    ...checkTimers(replays),
  ];
}

const decisionsOf = (replay: Replay<ToyLedger>): ReplayedRecord[] =>
  replay.records.filter(({ cls, verdict }) => cls === 'decision' && verdict === 'applied');

const bodyOf = (record: ReplayedRecord): ToyDecision => record.json.body as ToyDecision;

function checkAcknowledged(replays: Replays, acked: ToyPromises): Violation[] {
  const violations: Violation[] = [];
  const ids = new Map<string, string>();
  for (const { user, partition, sequence, id, request } of acked.decisions) {
    const found = recordAt(replays, partition, sequence);
    if (found?.cls !== 'decision' || found.verdict !== 'applied' || bodyOf(found).id !== id) {
      violations.push(
        broken(
          'acknowledged-decision-kept',
          `decision ${id} of ${user}: ${found?.verdict ?? 'nothing'} at ${partition}:${sequence}`,
        ),
      );
    }
    const key = `${user} ${request.requestId}`;
    const other = ids.get(key);
    if (other !== undefined && other !== id) {
      violations.push(broken('request-decided-once', `request ${key} was answered by ${other} and ${id}`));
    }
    ids.set(key, id);
  }
  for (const { campaign, partition, sequence, amount } of acked.raises) {
    const found = recordAt(replays, partition, sequence);
    if (found?.cls === 'command' && found.verdict === 'applied' && found.token === campaign) continue;
    violations.push(
      broken('acknowledged-command-kept', `raise of ${campaign} by ${amount} at ${partition}:${sequence}`),
    );
  }
  return violations;
}

/** Users count each event id once, zones each click of every user once; each request is decided once. */
function checkCounts(replays: Replays): Violation[] {
  const violations: Violation[] = [];
  const zones = new Map<string, { pickups: number; sum: number }>();
  for (const replay of replays) {
    const clicks = new Map<string, Map<string, number>>();
    const requests = new Set<string>();
    for (const record of replay.records) {
      if (record.cls === 'event' && record.name === 'click' && record.verdict === 'applied') {
        const own = clicks.get(record.token) ?? new Map<string, number>();
        const { value } = record.json.data as { value: number };
        own.set(String(record.json.id), toyWorth(value, record.semantics));
        clicks.set(record.token, own);
      }
      if (record.cls === 'decision' && record.verdict === 'applied') {
        const key = `${record.token} ${bodyOf(record).requestId}`;
        if (requests.has(key)) violations.push(broken('request-decided-once', `${key} was decided twice`));
        requests.add(key);
      }
    }
    for (const [user, ids] of clicks) {
      const sum = [...ids.values()].reduce((total, value) => total + value, 0);
      const state = replay.actors.get(`user.${user}`)!.state as ToyUserState;
      if (state.clicks !== ids.size || state.sum !== sum) {
        violations.push(broken('events-counted-once', `${user}: ${ids.size} ids, ${state.clicks} counted`));
      }
      for (const value of ids.values()) {
        const zone = zones.get(`zone-${value % 3}`) ?? { pickups: 0, sum: 0 };
        zones.set(`zone-${value % 3}`, { pickups: zone.pickups + 1, sum: zone.sum + value });
      }
    }
  }
  for (const token of TOY_ZONES) {
    const wanted = zones.get(token) ?? { pickups: 0, sum: 0 };
    const state = stateOf<ToyZoneState>(replays, 'zone', token) ?? { pickups: 0, sum: 0 };
    if (state.pickups !== wanted.pickups || state.sum !== wanted.sum) {
      violations.push(broken('outputs-counted-once', `${token}: ${wanted.pickups} clicks, ${state.pickups} pickups`));
    }
  }
  return violations;
}

/** Never more than the cap's decisions of one user within its window, by a clock that nobody sets. */
function checkCaps(replays: Replays): Violation[] {
  const violations: Violation[] = [];
  for (const replay of replays) {
    const shown = new Map<string, number[]>();
    for (const { token, record } of decisionsOf(replay)) {
      const { storedMs } = record;
      const within = (shown.get(token) ?? []).filter((at) => at > storedMs - TOY_CAP.windowMs + DRIFT_MS);
      within.push(storedMs);
      shown.set(token, within);
      if (within.length > TOY_CAP.max) {
        violations.push(
          broken('caps-exact', `${token}: ${within.length} decisions in one window at sequence ${record.sequence}`),
        );
      }
    }
  }
  return violations;
}

/** At every prefix of every journal no partition holds and spends more than it was granted; nor do all together. */
function checkBudgets(replays: Replays, acked: ToyPromises): Violation[] {
  const violations: Violation[] = [];
  for (const campaign of TOY_CAMPAIGNS) {
    let granted = 0;
    let spent = 0;
    for (const [partition, replay] of replays.entries()) {
      const own = walkBudget(replay, campaign, (sequence, held, used, allotment) => {
        if (held >= 0 && held + used <= allotment) return;
        violations.push(
          broken(
            'budgets-exact',
            `${campaign} in partition ${partition} at ${sequence}: held ${held}, spent ${used}, granted ${allotment}`,
          ),
        );
      });
      granted += own.granted;
      spent += own.spent;
    }
    const raised = replays
      .flatMap((replay) => replay.records)
      .filter(({ cls, token, verdict }) => cls === 'command' && token === campaign && verdict === 'applied')
      .reduce((sum, { json }) => sum + (json.body as { amount: number }).amount, 0);
    const budget = TOY_BUDGET + raised;
    if (granted > budget) violations.push(broken('budgets-exact', `${campaign}: granted ${granted} of ${budget}`));
    const state = stateOf<ToyCampaignState>(replays, 'campaign', campaign);
    if ((state?.confirmed ?? 0) !== spent) {
      violations.push(
        broken('outputs-counted-once', `${campaign}: ${spent} spent, ${state?.confirmed ?? 0} confirmed`),
      );
    }
    const promised = acked.raises
      .filter((raise) => raise.campaign === campaign)
      .reduce((sum, { amount }) => sum + amount, 0);
    if (promised > raised)
      violations.push(broken('acknowledged-command-kept', `${campaign}: raised ${raised} of ${promised}`));
  }
  return violations;
}

function walkBudget(
  replay: Replay<ToyLedger>,
  campaign: string,
  check: (sequence: number, held: number, spent: number, granted: number) => void,
): { granted: number; spent: number } {
  const closings = new Map<number, ToyClosing[]>();
  for (const { sequence, target, body } of replay.emissions) {
    if (target === 'x') closings.set(sequence, [...(closings.get(sequence) ?? []), body as ToyClosing]);
  }
  let [held, spent, granted] = [0, 0, 0];
  for (const entry of replay.records) {
    const { record, cls, name, json, verdict } = entry;
    if (cls === 'output' && name === 'allotment.granted' && verdict === 'applied') {
      const body = json.body as { campaign: string; amount: number };
      if (body.campaign === campaign) granted += body.amount;
    }
    if (cls === 'decision' && verdict === 'applied' && bodyOf(entry).campaign === campaign) held += bodyOf(entry).cost;
    for (const closing of closings.get(record.sequence) ?? []) {
      if (closing.campaign !== campaign) continue;
      held -= closing.spent + closing.released;
      spent += closing.spent;
    }
    check(record.sequence, held, spent, granted);
  }
  return { granted, spent };
}

/** A decision that carried a token was based on it, or says `degraded: ["after"]`; and on what had been folded by then. */
function checkTokens(replays: Replays, acked: ToyPromises): Violation[] {
  const violations: Violation[] = [];
  for (const { id, user, partition, request, decision, repeated } of acked.decisions) {
    const { after } = request;
    if (!repeated && after !== undefined && !decision.degraded.includes('after')) {
      const { sequence } = decodePosition(after);
      if (decision.basedOn < sequence) {
        violations.push(
          broken('tokens-honoured', `decision ${id} is based on ${decision.basedOn}, its token says ${sequence}`),
        );
      }
    }
    const clicks = replays[partition]!.records.slice(0, decision.basedOn).filter(
      ({ token, cls, name, verdict }) => token === user && cls === 'event' && name === 'click' && verdict === 'applied',
    ).length;
    if (clicks !== decision.clicks) {
      violations.push(
        broken(
          'tokens-honoured',
          `decision ${id} saw ${decision.clicks} clicks, by ${decision.basedOn} there were ${clicks}`,
        ),
      );
    }
  }
  return violations;
}

/** Every decision's window is closed exactly once, by its timer never before its time. */
function checkTimers(replays: Replays): Violation[] {
  const violations: Violation[] = [];
  for (const [partition, replay] of replays.entries()) {
    const closings = new Map<string, number>();
    for (const { target, body } of replay.emissions) {
      if (target !== 'x') continue;
      const { decisionId, by, dueMs, closedAtMs } = body as ToyClosing;
      closings.set(decisionId, (closings.get(decisionId) ?? 0) + 1);
      if (by === 'timer' && closedAtMs < dueMs) {
        violations.push(broken('timers-in-time', `the window of ${decisionId} closed ${dueMs - closedAtMs} ms early`));
      }
    }
    for (const record of decisionsOf(replay)) {
      const count = closings.get(bodyOf(record).id) ?? 0;
      if (count !== 1) {
        violations.push(
          broken('timers-once', `the window of ${bodyOf(record).id} in ${partition} closed ${count} times`),
        );
      }
    }
  }
  return violations;
}
