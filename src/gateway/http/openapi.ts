import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { z } from 'zod';
import { cloudEventSchema } from '../../messages/events.js';
import { decisionAnswerJsonSchema } from '../decide/answer-schema.js';
import { restDecisionRequestSchema } from '../decide/decision-request.js';
import { ingestResultJsonSchema } from '../events/events.route.js';
import { BATCH_TYPE_JSON, EVENT_TYPE_JSON, JSON_TYPE } from './body-parsing.js';
import { OPERATION_EXAMPLES, type OperationExamples } from './openapi-examples.js';
import { openApiSchema } from './openapi-schema.js';
import type { Access, RouteTable } from './route-access.js';

const ERROR = 'Error';

const errorSchema = openApiSchema(
  z.object({ code: z.string(), message: z.string(), field: z.string().nullable(), traceId: z.string() }),
);

const TAGS: Readonly<Record<string, string>> = {
  decisions: 'What to show, and what came of it',
  events: 'What happened',
  views: 'What actors say of themselves',
  campaigns: 'Offers against a budget; money is whole cents',
  policies: 'What learners have published',
  'dead letters': 'What was rejected or could not be folded',
  operations: 'Alive, ready, counters, who owns what',
};

/** What every route may answer. */
const ADMISSION_ERRORS: Readonly<Record<string, string>> = {
  400: 'The request is wrong; `field` names where',
  403: 'Not from there: `Host` or `Origin` is not one that this engine answers to; or the key lacks the scope',
  429: 'Too much at once; `retry-after` says when to come again',
  431: 'URL and headers are too large',
};

const KEY_ERRORS: Readonly<Record<string, string>> = { 401: 'Send a key that is known' };

/** What a route with a body may answer besides. */
const BODY_ERRORS: Readonly<Record<string, string>> = {
  408: 'The request did not arrive in time',
  413: 'The body, or what it unpacks to, is too large',
  415: 'Content-Type or Content-Encoding is not one that this route reads',
};

/** What a route that asks the engine may answer besides. */
const ENGINE_ERRORS: Readonly<Record<string, string>> = {
  404: 'There is no such thing',
  409: 'Not in this state, or a `requestId` that was used for another request',
  503: 'A part that is needed is out of reach; `retry-after` says when to come again',
};

/** The document behind `/docs`: Nest's controllers, and the two routes beside Nest; what each asks for, from `routes`. */
export function describeApi(app: NestFastifyApplication, routes: RouteTable, hasKeys: boolean): OpenAPIObject {
  const builder = new DocumentBuilder()
    .setTitle('Attune')
    .setDescription(
      'What to show this person, here, now. Every error is `{code, message, field, traceId}`; docs/errors.md lists the ' +
        'codes. Where API keys are configured, send one as `Authorization: Bearer …` or `x-api-key`.',
    )
    .setVersion('1')
    .addBearerAuth();
  for (const [name, description] of Object.entries(TAGS)) builder.addTag(name, description);
  const document = SwaggerModule.createDocument(app, builder.build());
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, [ERROR]: errorSchema as never },
  };
  const described = { ...document.paths, ...rawPaths() };
  document.paths = inOrder(described);
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of ['get', 'post'] as const) {
      const operation = item[method];
      if (!operation) continue;
      addExamples(operation, OPERATION_EXAMPLES[`${method} ${path}`]);
      addErrors(operation, ADMISSION_ERRORS);
      if (path.startsWith('/v1/')) addErrors(operation, ENGINE_ERRORS);
      const access = routes.get(`${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`);
      if (access) addAccess(operation, access, hasKeys);
    }
  }
  return document;
}

/** As the examples tell them; what has none goes last. */
function inOrder(paths: OpenAPIObject['paths']): OpenAPIObject['paths'] {
  const told = Object.keys(OPERATION_EXAMPLES).map((operation) => operation.split(' ')[1]!);
  const rank = (path: string): number => (told.includes(path) ? told.indexOf(path) : told.length);
  return Object.fromEntries(Object.entries(paths).sort(([a], [b]) => rank(a) - rank(b)));
}

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

function addExamples(operation: Operation, examples: OperationExamples | undefined): void {
  if (!examples) return;
  const { requests, status, answerIs, answer, others = {} } = examples;
  const known = operation.responses[status];
  const schema = known && 'content' in known ? known.content?.[JSON_TYPE]?.schema : undefined;
  operation.responses[status] = {
    description: answerIs,
    content: { [JSON_TYPE]: { schema: schema ?? { type: 'object' }, example: answer } },
  };
  for (const [code, other] of Object.entries(others)) {
    const content = { [JSON_TYPE]: { schema: { type: 'object' as const }, example: other.answer } };
    operation.responses[code] = { description: other.answerIs, content };
  }
  const body = operation.requestBody;
  if (requests && body && 'content' in body) {
    const named = Object.fromEntries(Object.entries(requests).map(([name, value]) => [name, { value }]));
    for (const type of [JSON_TYPE, EVENT_TYPE_JSON]) {
      const content = body.content[type];
      if (content) content.examples = named;
    }
  }
}

function addAccess(operation: Operation, { scopes, body }: Access, hasKeys: boolean): void {
  if (body) addErrors(operation, BODY_ERRORS);
  if (!hasKeys) return;
  addErrors(operation, KEY_ERRORS);
  operation.security = [{ bearer: [] }];
  operation.description = `Needs a key with the scope ${scopes.map((scope) => `\`${scope}\``).join(' or ')}.`;
}

function addErrors(operation: Operation, errors: Readonly<Record<string, string>>): void {
  for (const [status, description] of Object.entries(errors)) {
    operation.responses[status] ??= { description, content: json(reference(ERROR)) };
  }
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
            ...json({ oneOf: [event, batch] }),
            [EVENT_TYPE_JSON]: { schema: event as never },
            [BATCH_TYPE_JSON]: { schema: batch as never },
          },
        },
        responses: { 202: { description: 'What was accepted', content: json(ingestResultJsonSchema) } },
      },
    },
  };
}
