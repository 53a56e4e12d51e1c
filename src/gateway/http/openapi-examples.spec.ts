import { describe, expect, it } from '@jest/globals';
import type { ZodType } from 'zod';
import { campaignDefinitionSchema } from '../../messages/campaigns.js';
import { cloudEventSchema } from '../../messages/events.js';
import { campaignCommandSchema } from '../admin/campaigns.controller.js';
import { rollbackSchema } from '../admin/policies.controller.js';
import { restDecisionRequestSchema } from '../decide/decision-request.js';
import { rewardBodySchema } from '../decide/rewards.js';
import { OPERATION_EXAMPLES } from './openapi-examples.js';

const SCHEMAS: Readonly<Record<string, ZodType>> = {
  'post /v1/decisions': restDecisionRequestSchema,
  'post /v1/decisions/{id}/reward': rewardBodySchema,
  'post /v1/events': cloudEventSchema,
  'post /v1/campaigns/{id}/commands': campaignCommandSchema,
  'post /v1/policies/{id}/rollback': rollbackSchema,
};

describe('the examples of /docs', () => {
  const requests = Object.entries(OPERATION_EXAMPLES).flatMap(([operation, { requests: bodies = {} }]) =>
    Object.entries(bodies).map(([name, body]) => ({ operation, name, body })),
  );

  it.each(requests)('sends what $operation takes: $name', ({ operation, body }) => {
    expect(SCHEMAS[operation]!.safeParse(body)).toMatchObject({ success: true });
  });

  it('defines a campaign that is whole', () => {
    const { payload } = OPERATION_EXAMPLES['post /v1/campaigns/{id}/commands']!.requests!.define as {
      payload: unknown;
    };
    expect(campaignDefinitionSchema.safeParse(payload)).toMatchObject({ success: true });
  });
});
