import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { z } from 'zod';
import { cloudEventSchema } from '../../messages/events.js';
import { decisionAnswerJsonSchema } from '../decide/answer-schema.js';
import { restDecisionRequestSchema } from '../decide/decision-request.js';
import { ingestResultJsonSchema } from '../events/events.route.js';
import { BATCH_TYPE_JSON, EVENT_TYPE_JSON, JSON_TYPE } from './body-parsing.js';
import { openApiSchema } from './openapi-schema.js';

const ERROR = 'Error';

const errorSchema = openApiSchema(
  z.object({ code: z.string(), message: z.string(), field: z.string().nullable(), traceId: z.string() }),
);

/** The document behind `/docs`: Nest's controllers, and the two routes beside Nest. */
export function describeApi(app: NestFastifyApplication): OpenAPIObject {
  const document = SwaggerModule.createDocument(
    app,
    new DocumentBuilder()
      .setTitle('Attune')
      .setDescription(
        'Decisions, events and rewards. Every error is {code, message, field, traceId}; see docs/errors.md.',
      )
      .setVersion('1')
      .addBearerAuth()
      .build(),
  );
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, [ERROR]: errorSchema as never },
  };
  Object.assign(document.paths, rawPaths());
  for (const path of Object.values(document.paths)) {
    for (const method of ['get', 'post'] as const) {
      const operation = path[method];
      if (operation) operation.responses.default ??= { description: 'Error', content: json(reference(ERROR)) };
    }
  }
  return document;
}

const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` });

const json = (schema: unknown) => ({ [JSON_TYPE]: { schema: schema as never } });

function rawPaths(): OpenAPIObject['paths'] {
  const event = openApiSchema(cloudEventSchema);
  const batch = { type: 'array', items: event };
  return {
    '/v1/decisions': {
      post: {
        tags: ['decisions'],
        summary: 'What to show this subject, here, now',
        requestBody: { required: true, content: json(openApiSchema(restDecisionRequestSchema)) },
        responses: { 200: { description: 'The slate', content: json(decisionAnswerJsonSchema) } },
      },
    },
    '/v1/events': {
      post: {
        tags: ['events'],
        summary: 'One CloudEvent or a batch; good parts are accepted, bad ones listed',
        requestBody: {
          required: true,
          content: {
            [EVENT_TYPE_JSON]: { schema: event as never },
            [BATCH_TYPE_JSON]: { schema: batch as never },
            ...json({ oneOf: [event, batch] }),
          },
        },
        responses: { 202: { description: 'What was accepted', content: json(ingestResultJsonSchema) } },
      },
    },
  };
}
