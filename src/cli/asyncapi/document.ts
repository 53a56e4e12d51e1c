/** What learners in other processes say and hear over NATS, as an AsyncAPI 3.0 document made from the Zod schemas. */
import { z, type ZodType } from 'zod';
import { experienceSchema } from '../../learners/experience-schema.js';
import {
  EXTERNAL_VERBS,
  externalReplySchemas,
  externalRequestSchemas,
  type ExternalVerb,
} from '../../messages/external-learner.js';
import { outputRecordSchema } from '../../messages/records.js';
import { subjects } from '../../messages/subjects.js';
import { artifactSchema } from '../../policies/artifact.js';
import { packedFloatsSchema } from '../../policies/packed.js';
import { FAMILY_SCHEMAS } from './family-schemas.js';

type Json = Record<string, unknown>;

const SUMMARIES: Readonly<Record<ExternalVerb, string>> = {
  claim: 'Asks for the learner’s lease. Answered with what to learn, and where it was stopped.',
  renew: 'Keeps the lease. Every other request that names the epoch does so too.',
  next: 'Asks for the experience behind a cursor.',
  upload: 'Sends a part of a text that is too long for one message.',
  publish: 'Publishes the next version of the policy that the learner is configured for.',
  save: 'Saves what the learner goes on from, with its place in the stream.',
  load: 'Asks for a part of the state that was saved last.',
  release: 'Gives the lease back.',
};

const errorSchema = z.object({
  error: z.object({
    family: z.string(),
    /** One of docs/errors.md. */
    code: z.string(),
    message: z.string(),
    field: z.string().optional(),
    retryAfterMs: z.number().optional(),
  }),
});

/** What the engine writes besides what learners rely on. */
const writtenExperienceSchema = experienceSchema.extend({
  decidedAtMs: z.number(),
  closedAtMs: z.number(),
  policy: z.object({ id: z.string(), version: z.number().int() }),
  events: z.array(z.object({ type: z.string(), candidateId: z.string().optional(), value: z.number().optional() })),
  explorationFloor: z.number().optional(),
});

/** The same schemas give the same document. */
export function asyncApiDocument(version: string): Json {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Attune: learners in processes of their own',
      version,
      description:
        'How a learner in any language learns from the experience of a surface and publishes policies: requests and ' +
        'replies over NATS, JSON both ways. docs/learners.md walks through it. Generated: npm run asyncapi.',
    },
    defaultContentType: 'application/json',
    servers: {
      nats: {
        host: '127.0.0.1:4222',
        protocol: 'nats',
        description: 'The account and permissions of learners are in config/nats/learners.conf.',
      },
    },
    channels: {
      experience: {
        address: subjects.experience('{surface}'),
        parameters: { surface: { description: 'Id of a surface, as in rider.pickup.' } },
        messages: { experience: ref('messages', 'experience') },
      },
      ...forVerbs((verb) => ({
        address: subjects.request('learner', '{learner}', verb),
        parameters: {
          learner: { description: 'Token of the learner’s id: bytes other than A–Z a–z 0–9 _ - are written =HH.' },
        },
        messages: { [verb]: ref('messages', verb) },
      })),
      ...Object.fromEntries(
        EXTERNAL_VERBS.map((verb) => [
          `${verb}Reply`,
          {
            address: null,
            messages: { [`${verb}Reply`]: ref('messages', `${verb}Reply`), error: ref('messages', 'error') },
          },
        ]),
      ),
    },
    operations: {
      publishExperience: {
        action: 'send',
        channel: ref('channels', 'experience', ''),
        summary: 'One message a decision, once its reward is known. Listening is not durable; learners use next.',
      },
      ...forVerbs((verb) => ({
        action: 'receive',
        channel: ref('channels', verb, ''),
        summary: SUMMARIES[verb],
        reply: { channel: ref('channels', `${verb}Reply`, '') },
      })),
    },
    components: {
      messages: {
        experience: message(
          'Experience with its place in the chain of its partition.',
          ref('schemas', 'experienceRecord'),
        ),
        ...forVerbs((verb) => message(SUMMARIES[verb], jsonSchema(externalRequestSchemas[verb], 'input'))),
        ...Object.fromEntries(
          EXTERNAL_VERBS.map((verb) => [`${verb}Reply`, message(`The answer to ${verb}.`, replySchema(verb))]),
        ),
        error: message('Why a request was refused.', jsonSchema(errorSchema, 'output')),
      },
      schemas: {
        experience: jsonSchema(writtenExperienceSchema, 'input'),
        experienceRecord: {
          ...jsonSchema(outputRecordSchema, 'input'),
          ...propertiesWith(outputRecordSchema, { body: ref('schemas', 'experience') }),
        },
        artifact: jsonSchema(artifactSchema, 'input'),
        packedFloats: jsonSchema(packedFloatsSchema, 'input'),
        ...Object.fromEntries(
          Object.entries(FAMILY_SCHEMAS).map(([family, schema]) => [
            `parameters-${family}`,
            jsonSchema(schema, 'input'),
          ]),
        ),
      },
    },
  };
}

const forVerbs = <T>(make: (verb: ExternalVerb) => T): Record<string, T> =>
  Object.fromEntries(EXTERNAL_VERBS.map((verb) => [verb, make(verb)]));

const ref = (kind: string, name: string, root = 'components/'): Json => ({ $ref: `#/${root}${kind}/${name}` });

const message = (summary: string, payload: Json): Json => ({ summary, contentType: 'application/json', payload });

/** A record of `next` holds an experience; the schema of the reply itself is the transport's. */
function replySchema(verb: ExternalVerb): Json {
  const schema = jsonSchema(externalReplySchemas[verb], 'output');
  if (verb !== 'next') return schema;
  const { records } = schema['properties'] as { records: { items: { properties: Json } } };
  records.items.properties['experience'] = ref('schemas', 'experience');
  return schema;
}

function propertiesWith(schema: ZodType, changes: Json): Json {
  return { properties: { ...(jsonSchema(schema, 'input')['properties'] as Json), ...changes } };
}

function jsonSchema(schema: ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: 'draft-7', io, unrepresentable: 'any' }) as Json;
  return rest;
}
