/** Entry of the thread in which large artifacts are opened. */
import { workerData } from 'node:worker_threads';
import { answerCalls } from '../../kernel/thread-calls.js';
import { NICENESS_AWAITED, yieldToDecisions } from '../../kernel/yield-to-decisions.js';
import type { SurfaceShape } from '../../surfaces/policy-fit.js';
import { Opening, type OpenerCall } from './opening.js';

yieldToDecisions(NICENESS_AWAITED);
const opening = new Opening(workerData as readonly SurfaceShape[]);
answerCalls((call: OpenerCall) => opening.perform(call));
