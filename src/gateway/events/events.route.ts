import type { FastifyInstance, FastifySchema } from 'fastify';
import type { RequestLimits } from '../auth/request-limits.js';
import type { Access } from '../http/route-access.js';
import { CONSENT_OUTCOMES } from '../../messages/consent.js';
import { readBatch } from './event-batch.js';
import { isOverload, type Ingest } from './ingest.js';

const text = { type: 'string' } as const;

const consentJsonSchema = {
  type: 'array',
  description:
    'Of a change of consent, what became of it by purpose (null: all that are not named): it stands (granted, withdrawn), ' +
    'what counts as later stands instead (not-newer), it was not taken (refused), or that is not known yet (pending).',
  items: {
    type: 'object',
    required: ['purpose', 'outcome'],
    properties: { purpose: { type: 'string', nullable: true }, outcome: { type: 'string', enum: CONSENT_OUTCOMES } },
  },
} as const;

/** JSON schema of the answer, for the serialiser and for `/docs`. */
export const ingestResultJsonSchema = {
  type: 'object',
  required: ['accepted', 'rejected'],
  properties: {
    accepted: {
      type: 'array',
      items: {
        type: 'object',
        required: ['id', 'token'],
        properties: { id: text, token: text, consent: consentJsonSchema },
      },
    },
    rejected: {
      type: 'array',
      items: {
        type: 'object',
        required: ['index', 'id', 'code', 'message', 'field'],
        properties: {
          index: { type: 'integer' },
          id: { type: 'string', nullable: true },
          code: text,
          message: text,
          field: { type: 'string', nullable: true },
        },
      },
    },
  },
} as const;

const access: Access = { scopes: ['events'], body: true };

const schema: FastifySchema = { response: { 202: ingestResultJsonSchema } };

/** What a caller waits before it tries an event again that was not journaled. */
const RETRY_AFTER_SECONDS = '1';

/**
 * `POST /v1/events`. Where nothing was accepted, the answer is an error that also carries the list: `code`, `message` and
 * `field` are those of the first rejection.
 */
export function routeEvents(
  server: FastifyInstance,
  ingest: Ingest,
  limits: RequestLimits,
  eventsPerBatchMax: number,
): void {
  server.post('/v1/events', { schema, config: { access } }, async (request, reply) => {
    const batch = readBatch(request.headers, request.body, eventsPerBatchMax);
    limits.charge(request, batch.length - 1);
    const { status, accepted, rejected } = await ingest.accept(batch, request);
    void reply.code(status);
    if (status === 202) return { accepted, rejected };
    if (status !== 400) void reply.header('retry-after', RETRY_AFTER_SECONDS);
    const { code, message, field } = rejected.find((one) => isCauseOf(status, one.code)) ?? rejected[0]!;
    return { code, message, field, traceId: request.id, accepted, rejected };
  });
}

/** Whether a rejection's code is what gave the answer its status. */
const isCauseOf = (status: number, code: string): boolean =>
  status === 503 ? code.startsWith('JOURNAL_') && !isOverload(code) : status === 429 ? isOverload(code) : true;
