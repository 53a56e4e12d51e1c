/** The worker thread of one learner: reading, counting and learning all happen here, off the event loop of the host. */
import { parentPort } from 'node:worker_threads';
import { EngineError } from '../../../kernel/errors.js';
import { yieldToDecisions } from '../../../kernel/yield-to-decisions.js';
import { loadPlugin } from '../../../learners/plugin-registry.js';
import { LearningSession } from '../learning-session.js';
import type { WorkerAnswer, WorkerCall } from './protocol.js';

let session: LearningSession | undefined;

async function perform(call: WorkerCall): Promise<unknown> {
  if (call.call === 'start') {
    session = new LearningSession(await loadPlugin(call.spec.kind), call.spec, call.checkpoint);
    return session.progress;
  }
  if (session === undefined) throw new EngineError('Invariant', 'LEARNER_NOT_STARTED', 'The session has not begun.');
  switch (call.call) {
    case 'fold':
      return session.fold(call.records, call.idle, AbortSignal.timeout(call.deadlineMs));
    case 'export':
      return session.exportArtifact(call.meta);
    case 'save':
      return session.save(call.meta);
    case 'gate':
      return session.gate(call.step);
  }
}

/** A plug-in's own errors are told in their words: they are read by the operator who runs it. */
function failed(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new EngineError('Invariant', 'LEARNER_FAILED', `The learner failed: ${message}`);
}

/** A checkpoint's or an artifact's memory goes over as it is, where nothing else lies in it. */
function transferableOf(value: unknown): ArrayBuffer[] {
  const isWhole = value instanceof Uint8Array && value.byteLength === value.buffer.byteLength;
  return isWhole ? [value.buffer as ArrayBuffer] : [];
}

yieldToDecisions();
const port = parentPort!;
port.on('message', (call: WorkerCall) => {
  perform(call).then(
    (value) => port.postMessage({ ok: true, value } satisfies WorkerAnswer, transferableOf(value)),
    (error: unknown) => port.postMessage({ ok: false, error: failed(error).toWire() } satisfies WorkerAnswer),
  );
});
