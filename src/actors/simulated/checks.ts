/** What holds for any actors: nothing of the host's own work is lost, repeated or out of order. */
import { isDeepStrictEqual } from 'node:util';
import type { Apps } from './apps.js';
import { receive, type Emission, type Replay, type ReplayedRecord } from './replay.js';
import type { SimulatedServer } from './server.js';

export interface Violation {
  /** Which promise was broken: stable, kebab-case. */
  readonly promise: string;
  readonly what: string;
}

/** A state as some owner says it is, beside the one the journal says it is. */
export interface Seen {
  readonly partition: number;
  readonly kind: string;
  readonly token: string;
  readonly state: unknown;
}

export const broken = (promise: string, what: string): Violation => ({ promise, what });

export const recordAt = <Shared>(
  replays: readonly Replay<Shared>[],
  partition: number,
  sequence: number,
): ReplayedRecord | undefined => replays[partition]!.records[sequence - 1];

/** The state of an actor at the end of its journal. */
export function stateOf<State>(
  replays: readonly Pick<Replay<never>, 'actors'>[],
  kind: string,
  token: string,
): State | undefined {
  for (const replay of replays) {
    const actor = replay.actors.get(`${kind}.${token}`);
    if (actor) return actor.state as State;
  }
  return undefined;
}

/** Every acknowledged event is where its token says, everything was answered in the end, and nothing absurdly. */
export function checkApps<Shared>(replays: readonly Replay<Shared>[], apps: Apps): Violation[] {
  const lost = apps.events.filter(({ partition, sequence, token, id }) => {
    const found = recordAt(replays, partition, sequence);
    return found?.cls !== 'event' || found.token !== token || found.json.id !== id;
  });
  return [
    ...lost.map(({ partition, sequence, token, id }) =>
      broken('acknowledged-event-kept', `event ${id} of ${token} is not at ${partition}:${sequence}`),
    ),
    ...apps.redrives
      .filter(({ partition, sequence, outcome }) => {
        const found = recordAt(replays, partition, sequence);
        return !found?.redriven || found.verdict !== outcome;
      })
      .map(({ partition, sequence, outcome }) =>
        broken('redrives-count-once', `${outcome} at ${partition}:${sequence} was said, and it was another`),
      ),
    ...apps.givenUp.map((what) => broken('answers-in-the-end', what)),
    ...apps.alarms.map((what) => broken('no-invariant-error', what)),
  ];
}

const short = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
};

/** Every output is in its target exactly once, in the order it was emitted. */
export function checkOutputs<Shared>(server: SimulatedServer, replays: readonly Replay<Shared>[]): Violation[] {
  const violations: Violation[] = [];
  const compare = (
    name: string,
    emitted: readonly Emission[],
    got: readonly { subject: string; body: unknown }[],
  ): void => {
    const wanted = emitted.map(({ subject, body }) => ({ subject, body }));
    if (emitted.length === got.length && wanted.every((entry, index) => sameOutput(entry, got[index]!))) return;
    const index = wanted.findIndex((entry, i) => got[i] === undefined || !sameOutput(entry, got[i]));
    violations.push({
      promise: 'outputs-exactly-once',
      what: `${name}: emitted ${wanted.length}, received ${got.length}; at ${index}: ${short(wanted[index])} against ${short(got[index])}`,
    });
  };
  const experience = receive(server.experience);
  const letters = receive(server.deadLetters);
  replays.forEach((replay, source) => {
    replays.forEach((target, to) => {
      const got = target.records
        .filter(
          ({ cls, verdict, json }) =>
            cls === 'output' && verdict !== 'duplicate' && verdict !== 'gap' && sourceOf(json) === source,
        )
        .map(({ record, json }) => ({ subject: record.subject, body: json.body }));
      compare(
        `outputs ${source} → ${to}`,
        replay.emissions.filter(({ target: name }) => name === `p${to}`),
        got,
      );
    });
    compare(
      `experience of ${source}`,
      replay.emissions.filter(({ target }) => target === 'x'),
      (experience.get(source) ?? []).map(({ subject, body }) => ({ subject, body })),
    );
    compare(
      `dead letters of ${source}`,
      replay.emissions.filter(({ target }) => target === 'd'),
      (letters.get(source) ?? []).map(({ subject, body }) => {
        const { kind, sequence } = body as { kind: string; sequence: number };
        return { subject, body: { kind, sequence } };
      }),
    );
  });
  return violations;
}

/** The state an owner serves, after all its failovers and loads, is the fold of the whole journal. */
export function checkStates<Shared>(replays: readonly Replay<Shared>[], seen: readonly Seen[]): Violation[] {
  return seen.flatMap(({ partition, kind, token, state }) => {
    const actor = replays[partition]!.actors.get(`${kind}.${token}`);
    if (actor === undefined || isDeepStrictEqual(JSON.parse(JSON.stringify(actor.state)), state)) return [];
    return [
      {
        promise: 'state-is-the-fold',
        what: `${kind} ${token}: the journal says ${short(actor.state)}, its owner ${short(state)}`,
      },
    ];
  });
}

/** Nothing stands in a journal that no owner may have written. */
export function checkJournals<Shared>(replays: readonly Replay<Shared>[]): Violation[] {
  return replays.flatMap((replay, partition) =>
    replay.faults.map((fault) => ({ promise: 'journal-is-sound', what: `partition ${partition}: ${fault}` })),
  );
}

const sourceOf = (json: Record<string, unknown>): number => (json.chain as { p: number }).p;

const sameOutput = (a: { subject: string; body: unknown }, b: { subject: string; body: unknown }): boolean =>
  a.subject === b.subject && isDeepStrictEqual(JSON.parse(JSON.stringify(a.body)), b.body);
