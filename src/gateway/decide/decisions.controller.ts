import { Body, Controller, Get, Headers, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { DecisionBody } from '../../messages/decisions.js';
import type { AcceptedEvent } from '../events/ingest.js';
import { Allow } from '../http/route-access.js';
import { openApiSchema } from '../http/openapi-schema.js';
import { GatewayServices } from '../services.js';
import { rewardBodySchema } from './rewards.js';

/** Decisions after they were made; making them is decide.route.ts. */
@ApiTags('decisions')
@Controller('v1/decisions')
export class DecisionsController {
  constructor(@Inject(GatewayServices) private readonly services: GatewayServices) {}

  @Get(':id')
  @Allow({ scopes: ['read'], audited: 'personal data' })
  @ApiOperation({ summary: 'A decision as it was journaled' })
  @ApiParam({ name: 'id' })
  async view(@Param('id') id: string, @Req() request: FastifyRequest): Promise<DecisionBody> {
    return (await this.services.lookup.find(id, request)).body;
  }

  @Post(':id/reward')
  @Allow({ scopes: ['events'], body: true })
  @HttpCode(202)
  @ApiOperation({ summary: 'Credits a reward to a decision' })
  @ApiParam({ name: 'id' })
  @ApiHeader({ name: 'Idempotency-Key', required: false, description: 'Repeats with the same key count once.' })
  @ApiBody({ schema: openApiSchema(rewardBodySchema) })
  reward(
    @Param('id') id: string,
    @Body() body: unknown,
    @Headers('idempotency-key') key: string | undefined,
    @Req() request: FastifyRequest,
  ): Promise<AcceptedEvent> {
    return this.services.rewards.give(id, body, key, request);
  }
}
