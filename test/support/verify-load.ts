/** Holds an engine to what it told the clients of a load: nothing lost, nothing counted twice, no limit passed. */
import { expect } from '@jest/globals';
import { eventually } from './eventually.js';
import type { JournalTruth } from './journal-truth.js';
import type { Load } from './load.js';
import { get } from './rest.js';

const CONCURRENT = 16;

export interface HostView {
  readonly host: string;
  readonly unreachable?: boolean;
  readonly partitions: readonly {
    readonly partition: number;
    readonly phase: string;
    readonly epoch: number;
    readonly sequence: number;
    readonly counters: Readonly<Record<string, number>>;
  }[];
}

export async function hostsOf(url: string): Promise<readonly HostView[]> {
  const { status, body } = await get(url, '/v1/status');
  if (status !== 200) throw new Error(`no status: ${status}`);
  return (body.hosts as HostView[]).filter(({ unreachable }) => !unreachable);
}

/** Resolves once each partition is served, by somebody among `hosts`, and each of those serves one. */
export function settled(url: string, partitions: number, hosts: number): Promise<readonly HostView[]> {
  return eventually(`${partitions} partitions served by ${hosts} hosts`, async () => {
    const views = (await hostsOf(url)).filter((view) => view.partitions.some(({ phase }) => phase === 'serving'));
    const served = views.flatMap((view) => view.partitions.filter(({ phase }) => phase === 'serving'));
    return views.length === hosts && served.length === partitions ? views : undefined;
  });
}

export async function verifyLoad(
  url: string,
  load: Load,
  readTruth: () => Promise<JournalTruth>,
): Promise<JournalTruth> {
  expect(load.complaints).toEqual([]);
  const truth = await readTruth();

  // Acknowledged decisions stand in the journal, un-voided, as they were answered, and can be read back.
  await inTurns(load.decisions, async (answer) => {
    const stored = truth.decisions.get(answer.decisionId);
    expect(stored?.slate.map(({ id }) => id)).toEqual(answer.slate.map(({ id }) => id));
    const read = await get(url, `/v1/decisions/${answer.decisionId}`);
    expect(read).toMatchObject({ status: 200, body: { id: answer.decisionId } });
    // Read your writes: it was decided on a state that had folded the event whose token it carried.
    expect(answer.degraded).toEqual([]);
    expect(stored!.basedOn).toBeGreaterThanOrEqual(answer.after);
  });

  const decided = decisionsByUser(truth);
  for (const user of [...load.riders, ...load.shoppers]) {
    const stored = truth.events.get(user) ?? [];
    const acknowledged = load.events.filter((event) => event.user === user);
    expect(stored.map(({ id }) => id)).toEqual(expect.arrayContaining(acknowledged.map(({ id }) => id)));
    // Whatever was sent again, by the clients or by hosts, counts once.
    const ofType = (type: string): number => stored.filter((event) => event.type === type).length;
    const requests = new Set((decided.get(user) ?? []).map(({ requestId }) => requestId));
    const { counters } = (await get(url, `/v1/users/${user}`)).body;
    expect({ user, ...counters }).toMatchObject({ user, trips: ofType('trip.completed'), accepts: ofType('accept') });
    if (load.riders.includes(user)) expect({ user, ...counters }).toMatchObject({ user, decisions: requests.size });
  }

  // Each record was folded once, whatever number of owners the partition has had.
  for (const { partitions } of await hostsOf(url)) {
    for (const { sequence, counters } of partitions) expect(counters['folded']).toBe(sequence);
  }
  return truth;
}

export interface Budget {
  readonly campaign: string;
  readonly budgetCents: number;
}

/** Caps of promo.discount (3 a day, 2 of a campaign), and budgets: as the clients saw them, and as the journal has it. */
export async function verifyLimits(
  url: string,
  load: Load,
  truth: JournalTruth,
  budgets: readonly Budget[],
): Promise<void> {
  for (const user of load.shoppers) {
    const answers = load.decisions.filter((answer) => answer.user === user);
    const shown = new Map(answers.filter(({ slate }) => slate.length > 0).map((one) => [one.decisionId, one]));
    expect(shown.size).toBeLessThanOrEqual(3);
    for (const { campaign } of budgets) {
      const ofCampaign = [...shown.values()].filter(({ slate }) => slate[0]!.id.startsWith(campaign));
      expect(ofCampaign.length).toBeLessThanOrEqual(2);
    }
    // And not fewer than allowed: an empty slate is a cap that is reached, or money that has run out.
    const last = answers.at(-1)!;
    if (last.slate.length > 0) continue;
    expect(last.filtered.map(({ rule }) => rule)).not.toEqual([]);
    for (const { rule } of last.filtered) expect(rule).toMatch(/^cap\.|^budget/);
  }

  for (const { campaign, budgetCents } of budgets) {
    const held = load.decisions.flatMap(({ decisionId }) => holdsOn(truth, decisionId, campaign));
    expect(sum(held)).toBeLessThanOrEqual(budgetCents);
    const taken = [...truth.events.values()].flat().filter(({ type }) => type === 'accept');
    const spentCents = sum(
      [...new Set(taken.map(({ decisionId }) => decisionId))].flatMap((id) => holdsOn(truth, id ?? '', campaign)),
    );
    expect(spentCents).toBeLessThanOrEqual(budgetCents);
    const view = await eventually(`${campaign} has heard of all ${spentCents} cents spent`, async () => {
      const { body } = await get(url, `/v1/campaigns/${campaign}`);
      return body.spentCents === spentCents ? body : undefined;
    });
    const granted = (view.partitions as { grantedCents: number }[]).map(({ grantedCents }) => grantedCents);
    expect(sum(granted)).toBeLessThanOrEqual(budgetCents);
  }
}

function holdsOn(truth: JournalTruth, decisionId: string, campaign: string): number[] {
  const holds = truth.decisions.get(decisionId)?.holds ?? [];
  return holds.filter((hold) => hold.campaign === campaign).map(({ amountCents }) => amountCents);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

function decisionsByUser(truth: JournalTruth): Map<string, { requestId?: string }[]> {
  const decided = new Map<string, { requestId?: string }[]>();
  for (const decision of truth.decisions.values()) {
    const user = decision.id.split('.')[2]!;
    decided.set(user, [...(decided.get(user) ?? []), decision]);
  }
  return decided;
}

async function inTurns<T>(items: readonly T[], task: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) await task(items[next++]!);
  };
  await Promise.all(Array.from({ length: CONCURRENT }, worker));
}
