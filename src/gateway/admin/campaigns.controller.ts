import { Body, Controller, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { encodeToken } from '../../kernel/ids.js';
import { CAMPAIGN_COMMANDS } from '../../messages/campaigns.js';
import { idSchema } from '../../messages/id-schema.js';
import { Allow } from '../http/route-access.js';
import { openApiSchema } from '../http/openapi-schema.js';
import { ZodPipe } from '../http/zod-pipe.js';
import { GatewayServices } from '../services.js';

export const campaignCommandSchema = z.strictObject({
  name: z.enum(CAMPAIGN_COMMANDS),
  /** Kept in the audit trail. */
  why: z.string().min(1).max(500),
  /** What the command needs: a definition, an amount. Checked by the campaign. */
  payload: z.record(z.string(), z.unknown()).optional(),
  /** The same id counts once. */
  commandId: idSchema(128).optional(),
});

@ApiTags('campaigns')
@Controller('v1/campaigns')
export class CampaignsController {
  constructor(@Inject(GatewayServices) private readonly services: GatewayServices) {}

  @Post(':id/commands')
  @Allow({ scopes: ['campaigns'], body: true, audited: 'act' })
  @HttpCode(200)
  @ApiOperation({ summary: 'Defines, schedules, launches, pauses, resumes or ends a campaign, or raises its budget' })
  @ApiParam({ name: 'id' })
  @ApiBody({ schema: openApiSchema(campaignCommandSchema) })
  command(
    @Param('id') id: string,
    @Body(new ZodPipe(campaignCommandSchema)) command: z.infer<typeof campaignCommandSchema>,
    @Req() request: FastifyRequest,
  ): Promise<unknown> {
    const { actors, options } = this.services;
    const token = encodeToken(id, 'id');
    const body = { ...command, by: request.caller.name };
    const { id: trace, app } = request;
    return actors.request('campaign', token, 'command', body, { deadlineMs: options.deadlineMs, app, trace });
  }
}
