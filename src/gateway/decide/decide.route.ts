import type { FastifyInstance } from 'fastify';
import type { Decider } from './decider.js';
import { decisionAnswerJsonSchema } from './answer-schema.js';

/**
 * `POST /v1/decisions`, the hot path: a plain Fastify route beside Nest's, because Nest's controller pipeline costs about a
 * quarter of a bare route's CPU time per request.
 */
export function routeDecisions(server: FastifyInstance, decider: Decider): void {
  server.post('/v1/decisions', { schema: { response: { 200: decisionAnswerJsonSchema } } }, (request) =>
    decider.decide(request.body, request.id),
  );
}
