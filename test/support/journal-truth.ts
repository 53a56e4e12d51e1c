/**
 * What the journals say, read by a second, simpler reader than the fold's: the truth that acknowledgements, views and
 * counters of a test are held against.
 */
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '../../src/actors/nats/connection.js';
import { readStored } from '../../src/actors/nats/stored-messages.js';
import type { DecisionBody } from '../../src/messages/decisions.js';
import { parsePartitionSubject, streams } from '../../src/messages/subjects.js';
import { silentLog } from './nats-world.js';

export interface StoredEvent {
  readonly id: string;
  readonly type: string;
  readonly decisionId: string | undefined;
  readonly candidateId: string | undefined;
  readonly sequence: number;
}

export interface StoredDecision extends DecisionBody {
  readonly partition: number;
  readonly sequence: number;
}

export interface Barrier {
  readonly partition: number;
  readonly epoch: number;
  readonly host: string;
  readonly sequence: number;
  /** The server's time. */
  readonly timestampMs: number;
}

export interface JournalTruth {
  /** Un-voided decisions by id, in journal order for each partition. */
  readonly decisions: ReadonlyMap<string, StoredDecision>;
  /** By user token: the first record of each event id, in journal order. */
  readonly events: ReadonlyMap<string, readonly StoredEvent[]>;
  readonly barriers: readonly Barrier[];
  /** Last sequence of each partition's journal. */
  readonly tails: readonly number[];
}

type Credentials = { readonly url: string; readonly user: string; readonly pass: string };
type Term = readonly [number, number];

export async function readJournals(engine: Credentials, partitions: number): Promise<JournalTruth> {
  const link = await connect({ ...engine, name: 'truth', log: silentLog });
  try {
    const jsm = await jetstreamManager(link.nc);
    const truth = {
      decisions: new Map<string, StoredDecision>(),
      events: new Map<string, StoredEvent[]>(),
      barriers: [] as Barrier[],
      tails: [] as number[],
    };
    for (let partition = 0; partition < partitions; partition++) {
      const query = { stream: streams.journal(partition), filter: `attune.p.${partition}.>`, from: 1 };
      const records = await readStored(link, jsm, query, (message, { sequence, timestampMs }) => ({
        subject: message.subject,
        text: message.string(),
        sequence,
        timestampMs,
      }));
      truth.tails.push(records.at(-1)?.sequence ?? 0);
      let term: Term = [0, 0];
      for (const { subject, text, sequence, timestampMs } of records) {
        const { cls, kind, token, name } = parsePartitionSubject(subject)!;
        const json = parse(text);
        if (json === undefined) continue;
        const [epoch, session] = (json.term ?? [0, 0]) as Term;
        if (cls === 'control' && kind === 'barrier' && epoch > term[0]) {
          term = [epoch, 0];
          truth.barriers.push({ partition, epoch, host: json.host as string, sequence, timestampMs });
        } else if (cls === 'control' && kind === 'marker' && epoch === term[0] && session > term[1]) {
          term = [epoch, session];
        } else if (cls === 'decision' && epoch === term[0] && session === term[1]) {
          const body = json.body as DecisionBody;
          truth.decisions.set(body.id, { ...body, partition, sequence });
        } else if (cls === 'event' && kind === 'user') {
          const data = (json.data ?? {}) as Record<string, string | undefined>;
          const known = truth.events.get(token) ?? [];
          truth.events.set(token, known);
          const { decisionId, candidateId } = data;
          const event = { id: json.id as string, type: name, decisionId, candidateId, sequence };
          if (!known.some(({ id }) => id === event.id)) known.push(event);
        }
      }
    }
    return truth;
  } finally {
    await link.close();
  }
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
