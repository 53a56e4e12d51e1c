/** The worker thread of one learner: reading, counting and learning all happen here, off the event loop of the host. */
import { EngineError } from '../../../kernel/errors.js';
import { answerCalls } from '../../../kernel/thread-calls.js';
import { yieldToDecisions } from '../../../kernel/yield-to-decisions.js';
import { loadPlugin } from '../../../learners/plugin-registry.js';
import { LearningSession } from '../learning-session.js';
import type { WorkerCall } from './protocol.js';

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

yieldToDecisions();
answerCalls(perform, failed);
