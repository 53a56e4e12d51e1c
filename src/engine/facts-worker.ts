/** Entry of the facts thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { jetstreamManager } from '@nats-io/jetstream';
import { ThreadOpener } from '../actors/artifacts/thread-opener.js';
import { openLearnerPorts } from '../actors/learner/nats-learner-ports.js';
import { NatsCluster } from '../actors/nats/cluster.js';
import { connect } from '../actors/nats/connection.js';
import { systemClock } from '../kernel/clock.js';
import { createLogger } from '../kernel/logger.js';
import { yieldToDecisions } from '../kernel/yield-to-decisions.js';
import { startFacts } from './facts-role.js';
import type { FactsThreadData } from './facts-thread.js';

const STATUS_EVERY_MS = 500;

yieldToDecisions();

const { url, nats, name, partitions, replicas, logLevel } = workerData as FactsThreadData;
const log = createLogger(logLevel);
const { user, password } = nats;
const link = await connect({
  url: nats.url,
  name,
  log,
  ...(user === undefined || password === undefined ? {} : { user, pass: password }),
});
const cluster = await NatsCluster.open(link, { partitions, replicas, log });
const jsm = await jetstreamManager(link.nc, { checkAPI: false });
const { artifacts, verdicts } = await openLearnerPorts(
  link,
  replicas,
  systemClock,
  new ThreadOpener({ surfaces: [], clock: systemClock }),
);
const facts = startFacts({ url, source: { link, jsm, cluster }, artifacts, verdicts, partitions, log });
const report = (): void => parentPort!.postMessage({ status: facts.status(), unreadable: facts.unreadable() });
const timer = setInterval(report, STATUS_EVERY_MS);
parentPort!.once('message', () => {
  clearInterval(timer);
  void facts
    .stop()
    .then(() => link.close())
    .then(() => parentPort!.close());
});
