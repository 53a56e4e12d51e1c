/** Every reward, recounted from the events that name its decision. */
import type { DecisionBody, Experience } from '../../messages/decisions.js';
import { broken, type Violation } from './checks.js';
import { bodyOf, decisionsOf, experiencesOf, namedBy, type TownReplay } from './town-records.js';
import { TOWN_CORRECTION_MS, TOWN_SIGNALS } from './town.js';

interface Opened {
  readonly atMs: number;
  readonly body: DecisionBody;
}

interface Heard {
  readonly atMs: number;
  readonly sequence: number;
  readonly worth: number;
}

/**
 * The reward is the largest signal that was folded within the window, before a timer closed it, a correction's the largest within window and
 * horizon. Of decisions of known subjects: what is told of others passes through another actor.
 */
export function checkRewards(replays: readonly TownReplay[]): Violation[] {
  return replays.flatMap((replay) => {
    const opened = new Map<string, Opened>();
    for (const record of decisionsOf(replay))
      if (record.kind === 'user') opened.set(bodyOf(record).id, { atMs: record.atMs, body: bodyOf(record) });
    const heard = heardOf(replay);
    return experiencesOf(replay).flatMap(({ said, sequence }) => {
      const one = opened.get(said.decisionId);
      if (one === undefined || said.ending === 'withdrawn') return [];
      const wanted = rewardOf(one, said, sequence, heard.get(said.decisionId) ?? []);
      if (Math.abs(said.reward - wanted) <= 1e-12) return [];
      return [broken('rewards-exact', `${said.decisionId} (${said.status}): ${said.reward}, by its journal ${wanted}`)];
    });
  });
}

function heardOf(replay: TownReplay): ReadonlyMap<string, Heard[]> {
  const heard = new Map<string, Heard[]>();
  // A timer is folded at its due time, also where a server's clock that went back has not come so far again: what it closed
  // stays closed.
  const dueMs = new Map<string, number>();
  for (const record of replay.records) {
    const actor = `${record.kind}.${record.token}`;
    if (record.cls === 'timer' && record.verdict === 'applied')
      dueMs.set(actor, Math.max(dueMs.get(actor) ?? 0, record.json.due as number));
    const decisionId = namedBy(record);
    const worth = TOWN_SIGNALS[record.name]?.value;
    if (record.cls !== 'event' || record.verdict !== 'applied' || decisionId === undefined || worth === undefined)
      continue;
    const atMs = Math.max(record.atMs, dueMs.get(actor) ?? 0);
    heard.set(decisionId, [...(heard.get(decisionId) ?? []), { atMs, sequence: record.record.sequence, worth }]);
  }
  return heard;
}

function rewardOf({ atMs, body }: Opened, { status }: Experience, sequence: number, heard: readonly Heard[]): number {
  const untilMs = atMs + body.windowMs + (status === 'corrected' ? TOWN_CORRECTION_MS : 0);
  const counted = heard.filter((one) => one.atMs < untilMs && one.sequence <= sequence);
  return counted.reduce((most, { worth }) => Math.max(most, worth), 0);
}
