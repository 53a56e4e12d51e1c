import type { SeededRandom } from '../../kernel/random.js';

/** How bad the weather is. Probabilities are per message or call; durations and delays are milliseconds. */
export interface Weather {
  /** One way between a process and the server. */
  readonly latencyMinMs: number;
  readonly latencyMaxMs: number;
  /** A message to a journal never arrives. */
  readonly publishLost: number;
  /** It is stored, and nobody is told. */
  readonly ackLost: number;
  /** It is stored, and the acknowledgement comes `ackLateMaxMs` late at most. */
  readonly ackLate: number;
  readonly ackLateMaxMs: number;
  /** A reader hears of a record late, and of everything after it. */
  readonly deliveryLate: number;
  readonly deliveryLateMaxMs: number;
  /** A reader is told that it cannot go on. */
  readonly readerLost: number;
  /** A call to the keys and values (or a journal's metadata) is executed, and its answer is lost. */
  readonly answerLost: number;
  /** It is not executed, and says so. */
  readonly callRefused: number;
  /** A process is killed the moment it has written a snapshot: the rest of its set is missing. */
  readonly killAtSnapshot: number;
  /** When a connection breaks: what is in flight arrives later, after what the next connection sends. */
  readonly lateAfterBreak: number;
  readonly lateAfterBreakMaxMs: number;
}

/** The most that the server's clock goes back at once. */
export const TURN_BACK_MS_MAX = 1_500;

/** The longest a broken connection may hold a message back. */
export const LATE_MS_MAX = 8_000;

export const CALM: Weather = {
  latencyMinMs: 0.1,
  latencyMaxMs: 1,
  publishLost: 0,
  ackLost: 0,
  ackLate: 0,
  ackLateMaxMs: 0,
  deliveryLate: 0,
  deliveryLateMaxMs: 0,
  readerLost: 0,
  answerLost: 0,
  callRefused: 0,
  killAtSnapshot: 0,
  lateAfterBreak: 0,
  lateAfterBreakMaxMs: 0,
};

/** What happens to processes and the server as a whole: at most so many times in a run. */
export interface Incidents {
  readonly kills: number;
  readonly pauses: number;
  readonly outages: number;
  readonly breaks: number;
  readonly serverRestarts: number;
  readonly diskFull: number;
  /** Somebody floods a journal until it takes no more. */
  readonly floods: number;
  readonly keysUnavailable: number;
  readonly wallJumps: number;
  readonly gracefulStops: number;
  /** The main thread of a host is busy, and its keeper goes on. */
  readonly hangs: number;
  readonly keeperPauses: number;
  readonly keeperOutages: number;
  readonly keeperFailures: number;
  /** The server's wall clock goes back. */
  readonly clockTurns: number;
}

export interface FaultPlan {
  /** Limit of each journal. */
  readonly journalBytesMax: number;
  readonly weather: Weather;
  readonly incidents: Incidents;
}

/**
 * Draws the faults of one run. Each fault is left out of about half the runs (swarm testing, Groce et al. 2012), since
 * a fault that is always there hides what only happens without it.
 */
export function drawFaults(random: SeededRandom): FaultPlan {
  const maybe = (max: number): number => (random.next() < 0.5 ? max * random.next() : 0);
  const upTo = (max: number): number => (random.next() < 0.5 ? Math.ceil(max * random.next()) : 0);
  const journalBytesMax = random.next() < 0.5 ? Infinity : 40_000 + Math.floor(200_000 * random.next());
  return {
    journalBytesMax,
    weather: {
      latencyMinMs: 0.1,
      latencyMaxMs: 0.5 + 20 * random.next() ** 3,
      publishLost: maybe(0.03),
      ackLost: maybe(0.05),
      ackLate: maybe(0.1),
      ackLateMaxMs: 4000 * random.next(),
      deliveryLate: maybe(0.03),
      deliveryLateMaxMs: 3000 * random.next(),
      readerLost: maybe(0.002),
      answerLost: maybe(0.03),
      callRefused: maybe(0.05),
      killAtSnapshot: maybe(0.02),
      lateAfterBreak: random.next(),
      lateAfterBreakMaxMs: LATE_MS_MAX * random.next(),
    },
    incidents: {
      kills: upTo(3),
      pauses: upTo(3),
      outages: upTo(3),
      breaks: upTo(4),
      serverRestarts: upTo(2),
      diskFull: upTo(2),
      floods: journalBytesMax === Infinity ? 0 : upTo(3),
      keysUnavailable: upTo(2),
      wallJumps: upTo(2),
      gracefulStops: upTo(2),
      hangs: upTo(3),
      keeperPauses: upTo(2),
      keeperOutages: upTo(3),
      keeperFailures: upTo(2),
      clockTurns: upTo(2),
    },
  };
}
