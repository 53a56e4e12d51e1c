/** The thread of one conformance check. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadPlugin } from '../plugin-registry.js';
import { CHECKS } from './checks.js';
import type { CheckAnswer, CheckOrder } from './suite.js';

async function perform({ learner, check, ...context }: CheckOrder): Promise<void> {
  const plugin = await loadPlugin(learner);
  await CHECKS.find(({ name }) => name === check)!.run({ plugin, ...context });
}

const answer = (message: CheckAnswer): void => parentPort!.postMessage(message);

perform(workerData as CheckOrder).then(
  () => answer({ passed: true }),
  (error: unknown) => answer({ passed: false, message: error instanceof Error ? error.message : String(error) }),
);
