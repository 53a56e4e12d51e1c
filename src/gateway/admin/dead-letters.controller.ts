import { Controller, Get, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { EngineError } from '../../kernel/errors.js';
import { Allow } from '../http/route-access.js';
import { ZodPipe } from '../http/zod-pipe.js';
import type { DeadLetterPage, DeadLetters, RedriveAnswer } from '../ports.js';
import { GatewayServices } from '../services.js';

const partition = z.coerce.number().int().min(0).max(1023);

const listQuerySchema = z.strictObject({
  partition: partition.optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  before: z.coerce.number().int().min(1).optional(),
});

const placeSchema = z.strictObject({ partition, sequence: z.coerce.number().int().min(1) });

@ApiTags('dead letters')
@Controller('v1/deadletters')
export class DeadLettersController {
  constructor(@Inject(GatewayServices) private readonly services: GatewayServices) {}

  @Get()
  @Allow({ scopes: ['operate'], audited: 'personal data' })
  @ApiOperation({
    summary: 'Records that were rejected or could not be folded, newest first; `next` is the `before` of what is older',
  })
  @ApiQuery({ name: 'partition', required: false, schema: { type: 'integer', minimum: 0 } })
  @ApiQuery({ name: 'limit', required: false, schema: { type: 'integer', minimum: 1, maximum: 1000, default: 100 } })
  @ApiQuery({ name: 'before', required: false, schema: { type: 'integer', minimum: 1 } })
  list(@Query(new ZodPipe(listQuerySchema)) query: z.infer<typeof listQuerySchema>): Promise<DeadLetterPage> {
    const { partition, limit, before } = query;
    return this.deadLetters().list({
      limit,
      ...(partition === undefined ? {} : { partition }),
      ...(before === undefined ? {} : { before }),
    });
  }

  @Post(':partition/:sequence/redrive')
  @Allow({ scopes: ['operate'], audited: 'act' })
  @HttpCode(202)
  @ApiOperation({
    summary: 'Tries a dead letter again, as a new record naming the original, and says what became of it',
  })
  @ApiParam({ name: 'partition', schema: { type: 'integer' } })
  @ApiParam({ name: 'sequence', schema: { type: 'integer' } })
  redrive(
    @Param(new ZodPipe(placeSchema)) place: z.infer<typeof placeSchema>,
    @Req() request: FastifyRequest,
  ): Promise<RedriveAnswer> {
    return this.deadLetters().redrive(place.partition, place.sequence, request.caller.name);
  }

  private deadLetters(): DeadLetters {
    const { deadLetters } = this.services.deps;
    if (deadLetters) return deadLetters;
    throw new EngineError('Dependency', 'DEAD_LETTERS_UNAVAILABLE', 'This gateway has no way to the dead letters.');
  }
}
