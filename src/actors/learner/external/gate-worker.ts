/** Entry of the thread in which the gate of one external learner judges. */
import { EngineError } from '../../../kernel/errors.js';
import { answerCalls } from '../../../kernel/thread-calls.js';
import { NICENESS_AWAITED, yieldToDecisions } from '../../../kernel/yield-to-decisions.js';
import { GateSession } from './gate-session.js';
import type { GateCall } from './gate-thread.js';

let session: GateSession | undefined;

function perform(call: GateCall): unknown {
  if (call.call === 'start') {
    session = new GateSession(call.spec, call.checkpoint);
    return session.started;
  }
  if (session === undefined) throw new EngineError('Invariant', 'LEARNER_NOT_STARTED', 'The session has not begun.');
  switch (call.call) {
    case 'judge':
      return session.judge(call.experiences);
    case 'gate':
      return session.gate(call.step, call.proposal);
    case 'save':
      return session.save(call.meta, call.cursor);
  }
}

// Claims and publications wait for it.
yieldToDecisions(NICENESS_AWAITED);
answerCalls(perform);
