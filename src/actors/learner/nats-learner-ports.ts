/** Everything a learner host needs of NATS, on one link. */
import { jetstreamManager } from '@nats-io/jetstream';
import { Objm, setSha256Backend } from '@nats-io/obj';
import type { Msg } from '@nats-io/transport-node';
import type { Clock } from '../../kernel/clock.js';
import { EngineError } from '../../kernel/errors.js';
import { encodeToken } from '../../kernel/ids.js';
import { EXTERNAL_VERBS } from '../../messages/external-learner.js';
import { buckets, streams, subjects } from '../../messages/subjects.js';
import type { ArtifactStore, PolicyRollbacks } from '../../policies/registry/artifact-store.js';
import type { ArtifactOpener } from '../artifacts/opener.js';
import type { KeyValue } from '../host/ports.js';
import { openBucket } from '../nats/bootstrap.js';
import type { NatsLink } from '../nats/connection.js';
import { NatsStreamSource } from '../nats/stream-source.js';
import type { CheckpointStore } from './checkpoint.js';
import type { LearnerViews } from './learner-host.js';
import { NatsArtifactStore } from './nats-artifact-store.js';
import { NatsCheckpointStore } from './nats-checkpoint-store.js';
import { NatsFencedObjects } from './nats-fenced-objects.js';
import { NatsVerdictStore } from './nats-verdict-store.js';
import type { ExperienceSource } from './record-inbox.js';
import type { VerdictStore } from './verdict-store.js';

const TIMEOUT_MS = 2_000;

// Of a checkpoint's megabytes: the client's own, in JavaScript, would hold up decisions for milliseconds a chunk.
setSha256Backend('native');

export interface NatsLearnerPorts {
  readonly source: ExperienceSource;
  readonly artifacts: ArtifactStore & PolicyRollbacks;
  readonly checkpoints: CheckpointStore;
  readonly verdicts: VerdictStore;
  readonly views: LearnerViews;
  /** The bucket that has the pointers to checkpoints. */
  readonly pointers: Pick<KeyValue, 'get' | 'keys'>;
}

async function answerRequest(message: Msg, task: () => Promise<unknown>): Promise<void> {
  let reply: unknown;
  try {
    reply = await task();
  } catch (error) {
    reply = { error: EngineError.from(error).toWire() };
  }
  try {
    message.respond(JSON.stringify(reply));
  } catch {
    // The connection is gone; the learner asks again.
  }
}

/**
 * Binds to a cluster that `ensureCluster` has made. `replicas` as the cluster was created with; `opener` as
 * NatsArtifactStore has it.
 */
export async function openLearnerPorts(
  link: NatsLink,
  replicas: number,
  clock: Clock,
  opener: Pick<ArtifactOpener, 'reseal'>,
): Promise<NatsLearnerPorts> {
  const jsm = await jetstreamManager(link.nc, { timeout: TIMEOUT_MS, checkAPI: false });
  const pointers = await openBucket(link, buckets.policies, replicas);
  const objectsOf = async (bucket: string): Promise<NatsFencedObjects> =>
    new NatsFencedObjects(pointers, await new Objm(link.nc).open(bucket));
  return {
    // The whole stream, not one surface: the chain that says what counts runs over all of them.
    source: new NatsStreamSource(link, jsm, streams.experience),
    artifacts: new NatsArtifactStore(link, jsm, await objectsOf(buckets.artifacts), clock, opener),
    checkpoints: new NatsCheckpointStore(await objectsOf(buckets.checkpoints), clock),
    verdicts: new NatsVerdictStore(pointers),
    pointers,
    views: {
      serve(learnerId, view) {
        const subscription = link.nc.subscribe(subjects.request('learner', encodeToken(learnerId), 'view'), {
          callback: link.unreadable.guard('request', (message: Msg) => {
            void answerRequest(message, async () => view());
          }),
        });
        return () => subscription.unsubscribe();
      },
      answer: (learnerId, handle) => {
        const subscriptions = EXTERNAL_VERBS.map((verb) =>
          link.nc.subscribe(subjects.request('learner', encodeToken(learnerId), verb), {
            callback: link.unreadable.guard('request', (message: Msg) => {
              void answerRequest(message, () => handle(verb, message.data));
            }),
          }),
        );
        return () => subscriptions.forEach((subscription) => subscription.unsubscribe());
      },
    },
  };
}
