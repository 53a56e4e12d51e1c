/** Proves at boot that the server's subject mappings send every actor where this build thinks it lives. */
import { randomBytes } from 'node:crypto';
import { headers } from '@nats-io/transport-node';
import { EngineError } from '../../kernel/errors.js';
import { partitionOf } from '../../kernel/ids.js';
import { PUBLIC_KINDS, subjectMappings, subjects } from '../../messages/subjects.js';
import type { NatsLink } from './connection.js';
import { unreachable } from './nats-errors.js';

/** Ids tried per mapping. A mapping for another partition count agrees with ours on all of them in 1 of 2^32. */
const PROBES = 32;
/**
 * Journals capture events, so a probe event asks to be stored in a stream that it cannot be in: JetStream refuses it,
 * and a plain subscriber hears it all the same. Nothing is left behind.
 */
const NOWHERE = 'ATTUNE_PROBE_IS_NOT_STORED';

interface Probe {
  readonly mapping: string;
  readonly from: string;
  readonly lands: string;
}

/** Throws Configuration `NATS_MAPPINGS_MISSING` with the lines to add to the account. */
export async function probeMappings(link: NatsLink, partitions: number, apps: readonly string[]): Promise<void> {
  const probes = apps.flatMap((app) => [...requestProbes(partitions, app), ...eventProbes(partitions, app)]);
  const landed = new Set<Probe>();
  const subscriptions = probes.map((probe) =>
    link.nc.subscribe(probe.lands, { callback: () => void landed.add(probe) }),
  );
  try {
    await link.nc.flush();
    for (const probe of probes) {
      const header = headers();
      header.set('Nats-Expected-Stream', NOWHERE);
      link.nc.publish(probe.from, new Uint8Array(0), { headers: header });
    }
    // The server answers a flush after what it had to deliver to this connection before it.
    await link.nc.flush();
  } catch (cause) {
    throw unreachable('NATS', cause);
  } finally {
    for (const subscription of subscriptions) subscription.unsubscribe();
  }
  const wrong = new Set(probes.filter((probe) => !landed.has(probe)).map((probe) => probe.mapping));
  if (wrong.size > 0) throw mappingsMissing(partitions, wrong);
}

function* requestProbes(partitions: number, app: string): Generator<Probe> {
  for (const kind of PUBLIC_KINDS) {
    for (const token of randomTokens()) {
      const partition = partitionOf(token, partitions);
      yield {
        mapping: subjects.ofApp('*', `attune.${kind}.*.>`),
        from: subjects.ofApp(app, subjects.request(kind, token, 'probe')),
        lands: subjects.partitionRequest(partition, app, kind, token, 'probe'),
      };
    }
  }
}

function* eventProbes(partitions: number, app: string): Generator<Probe> {
  for (const token of randomTokens()) {
    const partition = partitionOf(token, partitions);
    yield {
      mapping: subjects.ofApp('*', 'attune.event.*.*.>'),
      from: subjects.ofApp(app, subjects.event('user', token, 'probe')),
      lands: subjects.record(partition, 'event', app, 'user', token, 'probe'),
    };
  }
}

const randomTokens = (): string[] => Array.from({ length: PROBES }, () => `probe-${randomBytes(9).toString('hex')}`);

function mappingsMissing(partitions: number, wrong: ReadonlySet<string>): EngineError {
  const lines = Object.entries(subjectMappings(partitions)).map(([from, to]) => `  "${from}": "${to}"`);
  return new EngineError(
    'Configuration',
    'NATS_MAPPINGS_MISSING',
    `The NATS account does not map ${[...wrong].join(', ')} onto ${partitions} partitions. ` +
      `Add to the account in the server's configuration, and reload it:\n\nmappings {\n${lines.join('\n')}\n}\n`,
  );
}
