import type { FastifyInstance } from 'fastify';
import type { Access } from '../http/route-access.js';
import type { Decider } from './decider.js';
import { decisionAnswerJsonSchema } from './answer-schema.js';

const access: Access = { scopes: ['decide'], body: true };

/**
 * `POST /v1/decisions`, the hot path: a plain Fastify route beside Nest's, because Nest's controller pipeline costs about a
 * quarter of a bare route's CPU time per request.
 */
export function routeDecisions(server: FastifyInstance, decider: Decider): void {
  const options = { schema: { response: { 200: decisionAnswerJsonSchema } }, config: { access } };
  server.post('/v1/decisions', options, (request) => decider.decide(request.body, request));
}
