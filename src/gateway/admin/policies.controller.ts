import { Body, Controller, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { EngineError, invalidRequest } from '../../kernel/errors.js';
import type { Rollback } from '../../policies/registry/artifact-store.js';
import { Allow } from '../http/route-access.js';
import { openApiSchema } from '../http/openapi-schema.js';
import { ZodPipe } from '../http/zod-pipe.js';
import { GatewayServices } from '../services.js';

export const rollbackSchema = z.strictObject({
  /** Kept with what is live, and logged. */
  why: z.string().min(1).max(500),
  /** The version to go back to; the one before the live one, if left out. */
  to: z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER).optional(),
  /**
   * Lets publications go live again, with `to` from that version on. If left out, the policy is held at what the rollback makes
   * live, and what is published meanwhile is kept as a candidate.
   */
  release: z.boolean().optional(),
});

const POLICY_ID_MAX = 128;

@ApiTags('policies')
@Controller('v1/policies')
export class PoliciesController {
  constructor(@Inject(GatewayServices) private readonly services: GatewayServices) {}

  @Post(':id/rollback')
  @Allow({ scopes: ['operate'], body: true, audited: 'act' })
  @HttpCode(200)
  @ApiOperation({ summary: 'Makes an older version of a learned policy live again, under a new version number' })
  @ApiParam({ name: 'id' })
  @ApiBody({ schema: openApiSchema(rollbackSchema) })
  async rollBack(
    @Param('id') id: string,
    @Body(new ZodPipe(rollbackSchema)) { why, to, release }: z.infer<typeof rollbackSchema>,
    @Req() request: FastifyRequest,
  ): Promise<Rollback & { readonly policy: string }> {
    const { policies, logger } = this.services.deps;
    if (id.length > POLICY_ID_MAX)
      throw invalidRequest('INVALID_REQUEST', `At most ${POLICY_ID_MAX} characters.`, 'id');
    if (policies === undefined)
      throw new EngineError('Dependency', 'POLICIES_UNAVAILABLE', 'This gateway has no way to the policies.');
    const done = { policy: id, ...(await policies.rollBack(id, { to, release, why, by: request.caller.name })) };
    logger.info('policy rolled back', done);
    return done;
  }
}
