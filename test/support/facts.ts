/** Records as hosts write them, for tests of what reads them. */
import type { DecisionBody, Experience } from '../../src/messages/decisions.js';
import type { Term } from '../../src/messages/records.js';
import { subjects } from '../../src/messages/subjects.js';
import type { MemoryStream } from './memory-stream.js';

const AT_MS = 1_700_000_000_123;

export function decisionBodyOf(id: string, changes: Partial<DecisionBody> = {}): DecisionBody {
  return {
    id,
    surface: 'rider.pickup',
    purpose: 'personalization',
    subjectKind: 'rider',
    atMs: AT_MS,
    basedOn: 3,
    slate: [
      {
        id: 'door-a',
        score: 0.75,
        propensity: 0.1 + 0.2,
        reasons: [{ code: 'near', text: 'It is near.', contribution: 1e-9 }],
      },
      { id: 'door-b', score: 0.25, propensity: 1, reasons: [] },
    ],
    eligible: ['door-a', 'door-b'],
    distribution: [0.30000000000000004, 0.7],
    filtered: [{ id: 'door-c', rule: 'cap:candidate' }],
    policy: { id: 'pickup-thompson', version: 7 },
    personalized: true,
    degraded: ['zone'],
    fallbackReason: null,
    context: { lat: 40.75, raining: true, note: 'x?y' },
    features: { 'door-a': { distanceM: 40 } },
    caps: [{ key: 'rider.pickup', windowMs: 1000, max: 3 }],
    fatigueCost: 1,
    holds: [],
    wants: [],
    windowMs: 60_000,
    validUntilMs: AT_MS + 60_000,
    ...changes,
  };
}

export const appendBarrier = (journal: MemoryStream, partition: number, term: Term): number =>
  journal.append(subjects.control(partition, 'barrier'), { v: 2, term, host: 'h', settings: {} });

export const appendMarker = (journal: MemoryStream, partition: number, term: Term): number =>
  journal.append(subjects.control(partition, 'marker'), { v: 2, term });

export const appendVerdict = (journal: MemoryStream, partition: number, term: Term, sequence: number): number =>
  journal.append(subjects.control(partition, 'verdict'), { v: 2, term, sequence, reason: 'poison' });

export function appendDecision(journal: MemoryStream, partition: number, term: Term, body: unknown): number {
  const subject = subjects.record(partition, 'decision', 'app', 'user', '42');
  return journal.append(subject, { v: 2, term, key: 'k', body });
}

export const appendEvent = (journal: MemoryStream, partition: number): number =>
  journal.append(subjects.record(partition, 'event', 'app', 'user', '42', 'accept'), { data: {} });

export function experienceOf(decisionId: string, changes: Partial<Experience> = {}): Experience {
  return {
    decisionId,
    surface: 'rider.pickup',
    status: 'complete',
    decidedAtMs: AT_MS,
    closedAtMs: AT_MS + 60_000,
    policy: { id: 'pickup-thompson', version: 7 },
    slate: [{ id: 'door-a', propensity: 0.3 }],
    eligible: ['door-a'],
    distribution: [1],
    context: {},
    features: {},
    reward: 0.5,
    rewardedId: 'door-a',
    events: [{ type: 'accept', candidateId: 'door-a' }],
    ...changes,
  };
}

/** One output chain into a stream. */
export class ExperienceChain {
  #previous: readonly [number, number] = [0, 0];

  constructor(
    private readonly stream: MemoryStream,
    private readonly partition: number,
    private readonly source = 'id1',
  ) {}

  emit(sequence: number, body: unknown, index = 0): number {
    const chain = { p: this.partition, src: this.source, seq: sequence, idx: index, prev: this.#previous };
    this.#previous = [sequence, index];
    return this.stream.append(subjects.experience('rider.pickup'), { v: 2, chain, at: AT_MS, body });
  }

  /** Publishes the last output of the stream once more. */
  repeat(): void {
    const last = this.stream.records.at(-1)!;
    this.stream.append(last.subject, Buffer.from(last.payload).toString());
  }
}
