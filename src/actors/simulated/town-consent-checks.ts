/** Consent by purpose, recounted from the journal: what is decided, kept and told goes by it. */
import type { Experience } from '../../messages/decisions.js';
import type { UserState } from '../user/state.js';
import { broken, type Violation } from './checks.js';
import type { ReplayedRecord } from './replay.js';
import type { ToldConsent, TownPromises } from './town-promises.js';
import { bodyOf, decisionsOf, experiencesOf, type TownReplay } from './town-records.js';

/** What all surfaces of the town ask for. */
const PURPOSE = 'personalization';
/** So far behind a sender's clock may be. */
const SKEW_MS = 5 * 60_000;
const COUNTERS = ['events', 'impressions', 'clicks', 'accepts', 'skips', 'trips', 'decisions', 'frequency'] as const;

/** Latest grant and withdrawal of one purpose: consented to where the grant is later. */
interface Said {
  grantedMs: number;
  withdrawnMs: number;
}

/** Sequences at which consent to PURPOSE began or ended. */
interface Change {
  readonly sequence: number;
  readonly granted: boolean;
}

export function checkConsent(replays: readonly TownReplay[], { consents }: TownPromises): Violation[] {
  return replays.flatMap((replay, partition) => {
    const changes = changesOf(replay);
    return [
      ...checkDecided(replay, changes),
      ...checkTold(replay, changes),
      ...checkKept(replay, changes),
      ...consents.filter((told) => told.partition === partition).flatMap((told) => checkAnswer(replay, changes, told)),
    ];
  });
}

type Changes = ReadonlyMap<string, readonly Change[]>;

const isGranted = (changes: Changes, token: string, sequence: number): boolean =>
  (changes.get(token) ?? []).findLast((change) => change.sequence <= sequence)?.granted ?? false;

/** Who sent a change was told what held once it was folded, or later. */
function checkAnswer(replay: TownReplay, changes: Changes, told: ToldConsent): Violation[] {
  const { user, type, sequence, outcomes } = told;
  const outcome = (
    outcomes.find(({ purpose }) => purpose === PURPOSE) ?? outcomes.find(({ purpose }) => purpose === null)
  )?.outcome;
  if (outcome === undefined || outcome === 'pending') return [];
  const held = [
    isGranted(changes, user, sequence),
    ...(changes.get(user) ?? []).filter((change) => change.sequence > sequence).map(({ granted }) => granted),
  ];
  const verdict = replay.records[sequence - 1]?.verdict;
  const isRight =
    outcome === 'refused'
      ? verdict !== 'applied' && verdict !== 'ignored'
      : held.includes(outcome === 'granted' || (outcome === 'not-newer' && type === 'consent.withdrawn'));
  return isRight ? [] : [broken('consent-told', `${user}: ${type} at ${sequence} was ${verdict}, and told ${outcome}`)];
}

/** Nothing personal is decided without consent. */
function checkDecided(replay: TownReplay, changes: Changes): Violation[] {
  return decisionsOf(replay)
    .filter(({ kind, token, record }) => kind === 'user' && !isGranted(changes, token, record.sequence))
    .map((record) => broken('consent-honoured', `${bodyOf(record).id} is personal, and there was no consent`));
}

/** What was decided before a withdrawal says nothing personal after it. */
function checkTold(replay: TownReplay, changes: Changes): Violation[] {
  const decided = new Map(
    decisionsOf(replay)
      .filter(({ kind }) => kind === 'user')
      .map((record) => [bodyOf(record).id, record]),
  );
  return experiencesOf(replay).flatMap(({ said, sequence }) => {
    const record = decided.get(said.decisionId);
    const ended = (changes.get(record?.token ?? '') ?? []).some(
      (change) => !change.granted && change.sequence > record!.record.sequence && change.sequence <= sequence,
    );
    if (!ended || isSilent(said)) return [];
    return [broken('consent-honoured', `${said.decisionId}: ${said.status} after the withdrawal, with what it was`)];
  });
}

const isSilent = ({ status, ending, context, features, subject, state, observation, events }: Experience): boolean =>
  status !== 'corrected' &&
  ending === 'withdrawn' &&
  [context, features, subject ?? {}].every((part) => Object.keys(part).length === 0) &&
  state === undefined &&
  observation === undefined &&
  events.length === 0;

/** Without consent no profile is left, and one that began anew knows nothing of what was before. */
function checkKept(replay: TownReplay, changes: Changes): Violation[] {
  return [...replay.actors.values()].flatMap(({ address, state }) => {
    if (address.kind !== 'user') return [];
    const { token } = address;
    const last = changes.get(token)?.at(-1);
    const kept = state as UserState;
    if (last?.granted) {
      const since = replay.records.filter(
        (one) => isActivity(one, token) && one.record.sequence > last.sequence,
      ).length;
      return kept.events <= since
        ? []
        : [broken('consent-honoured', `${token}: ${kept.events} events in the profile, ${since} since the consent`)];
    }
    const left = COUNTERS.filter((name) => kept[name] > 0).concat(kept.zones.length > 0 ? (['zones'] as never[]) : []);
    return left.length === 0 ? [] : [broken('consent-honoured', `${token} did not consent to keep ${left.join()}`)];
  });
}

const isActivity = ({ cls, kind, token, name, verdict }: ReplayedRecord, wanted: string): boolean =>
  cls === 'event' && kind === 'user' && token === wanted && verdict === 'applied' && !name.startsWith('consent.');

/** G and W of each purpose: a grant at min(t, f), a withdrawal at f, or at t if that lies far back. */
function changesOf(replay: TownReplay): Changes {
  const changes = new Map<string, Change[]>();
  const subjects = new Map<string, Map<string, Said>>();
  for (const entry of replay.records) {
    const { cls, kind, token, name, verdict, record } = entry;
    if (cls !== 'event' || kind !== 'user' || (verdict !== 'applied' && verdict !== 'ignored')) continue;
    if (name !== 'consent.granted' && name !== 'consent.withdrawn') continue;
    const said = subjects.get(token) ?? new Map<string, Said>();
    subjects.set(token, said);
    const before = holds(said);
    hear(said, entry);
    if (holds(said) !== before)
      changes.set(token, [...(changes.get(token) ?? []), { sequence: record.sequence, granted: !before }]);
  }
  return changes;
}

/** Under the empty name: what was said of every purpose that was not named yet. */
const OTHERS = '';
const NOTHING: Said = { grantedMs: 0, withdrawnMs: 0 };

function holds(said: ReadonlyMap<string, Said>): boolean {
  const { grantedMs, withdrawnMs } = said.get(PURPOSE) ?? NOTHING;
  return grantedMs > withdrawnMs;
}

function hear(said: Map<string, Said>, { name, atMs, json }: ReplayedRecord): void {
  const { purposes } = (json.data ?? {}) as { purposes?: readonly string[] };
  const saidMs = typeof json.time === 'string' ? Date.parse(json.time) : atMs;
  const of = (purpose: string): Said => {
    const known = said.get(purpose) ?? { grantedMs: 0, withdrawnMs: (said.get(OTHERS) ?? NOTHING).withdrawnMs };
    said.set(purpose, known);
    return known;
  };
  if (name === 'consent.granted') {
    for (const purpose of purposes ?? [PURPOSE])
      of(purpose).grantedMs = Math.max(of(purpose).grantedMs, Math.min(saidMs, atMs));
    return;
  }
  const endMs = saidMs >= atMs - SKEW_MS ? atMs : saidMs;
  for (const purpose of purposes ?? [...said.keys(), OTHERS])
    of(purpose).withdrawnMs = Math.max(of(purpose).withdrawnMs, endMs);
}
