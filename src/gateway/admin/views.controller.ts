import { Controller, Get, Inject, Param, Query, Req } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { LearnerStatus } from '../../actors/learner/status.js';
import { EngineError } from '../../kernel/errors.js';
import { encodeToken } from '../../kernel/ids.js';
import { canonicalCell } from '../../messages/cells.js';
import { byPickups, type ZoneFacts } from '../../messages/zones.js';
import { Allow } from '../http/route-access.js';
import { ZodPipe } from '../http/zod-pipe.js';
import { GatewayServices } from '../services.js';

const limitSchema = z.coerce.number().int().min(1).max(1000).default(100);
const zonesQuerySchema = z.strictObject({
  limit: limitSchema,
  /** Only these, separated by commas. */
  cells: z
    .string()
    .transform((text) => new Set(text.split(',').map((cell) => canonicalCell(cell) ?? cell)))
    .optional(),
});

/** What actors say of themselves. */
@ApiTags('views')
@Controller('v1')
export class ViewsController {
  constructor(@Inject(GatewayServices) private readonly services: GatewayServices) {}

  @Get('users/:id')
  @Allow({ scopes: ['read'], audited: 'personal data' })
  @ApiOperation({ summary: 'A user’s consent, session, fatigue, caps and pending decisions' })
  @ApiParam({ name: 'id' })
  user(@Param('id') id: string, @Req() request: FastifyRequest): Promise<unknown> {
    return this.view('user', id, request);
  }

  @Get('zones/:cell')
  @Allow({ scopes: ['read'] })
  @ApiOperation({ summary: 'A zone’s facts' })
  @ApiParam({ name: 'cell', description: 'H3 cell index' })
  zone(@Param('cell') cell: string, @Req() request: FastifyRequest): Promise<unknown> {
    // The owner refuses what is no cell.
    return this.view('zone', canonicalCell(cell) ?? cell, request);
  }

  @Get('campaigns/:id')
  @Allow({ scopes: ['campaigns', 'audit', 'read'] })
  @ApiOperation({
    summary: 'A campaign’s status and times',
    description:
      'With the scope `campaigns` or `operate` also its definition, its money and the commands it accepts; with `audit` also ' +
      'its audit trail.',
  })
  @ApiParam({ name: 'id' })
  async campaign(@Param('id') id: string, @Req() request: FastifyRequest): Promise<unknown> {
    const { scopes } = request.caller;
    const seesMoney = scopes.has('campaigns') || scopes.has('operate');
    const seesTrail = scopes.has('audit');
    if (!seesMoney && !seesTrail) return this.view('campaign', id, request);
    const books = (await this.view('campaign', id, request, 'books')) as Record<string, unknown>;
    if (seesMoney) {
      if (seesTrail) return books;
      const { audit: _, ...money } = books;
      return money;
    }
    const view = (await this.view('campaign', id, request)) as Record<string, unknown>;
    return { ...view, audit: books.audit };
  }

  @Get('learners')
  @Allow({ scopes: ['operate', 'read'] })
  @ApiOperation({ summary: 'Every learner: is it learning, how far behind, and why it did or did not publish' })
  async learners(): Promise<{ learners: readonly LearnerStatus[] }> {
    return { learners: await this.services.learners() };
  }

  @Get('learners/:id')
  @Allow({ scopes: ['operate', 'read'] })
  @ApiOperation({ summary: 'One learner: loss, reward, regret, exploration, coverage, staleness, last publication' })
  @ApiParam({ name: 'id' })
  async learner(@Param('id') id: string, @Req() request: FastifyRequest): Promise<unknown> {
    try {
      return await this.view('learner', id, request);
    } catch (error) {
      // The process that runs it may know more learners than this one's configuration: so it is asked first.
      const ids = this.services.deps.learners?.ids ?? [id];
      if (!(error instanceof EngineError) || error.code !== 'OWNER_UNREACHABLE' || ids.includes(id)) throw error;
      const message = `There is no learner of this id; ${ids.length === 0 ? 'none is configured' : `there are ${ids.join(', ')}`}.`;
      throw new EngineError('NotFound', 'LEARNER_UNKNOWN', message, { field: 'id' });
    }
  }

  @Get('zones')
  @Allow({ scopes: ['read'] })
  @ApiOperation({ summary: 'The zones this gateway knows, most recent pickups first' })
  @ApiQuery({ name: 'limit', required: false, schema: { type: 'integer', minimum: 1, maximum: 1000, default: 100 } })
  @ApiQuery({ name: 'cells', required: false, description: 'Only these H3 cells, separated by commas' })
  zones(@Query(new ZodPipe(zonesQuerySchema)) query: z.infer<typeof zonesQuerySchema>): {
    zones: readonly ZoneFacts[];
    staleMs: number | null;
  } {
    const { zones } = this.services.deps;
    if (!zones) throw new EngineError('Dependency', 'ZONES_UNAVAILABLE', 'This gateway keeps no replica of zones.');
    const { cells, limit } = query;
    const busiest =
      cells === undefined ? zones.busiest(limit) : [...cells].flatMap((cell) => zones.get(cell) ?? []).sort(byPickups);
    const staleMs = zones.staleMs();
    return { zones: busiest.slice(0, limit), staleMs: Number.isFinite(staleMs) ? staleMs : null };
  }

  private view(kind: string, id: string, request: FastifyRequest, verb = 'view'): Promise<unknown> {
    const { actors, options } = this.services;
    const token = encodeToken(id, 'id');
    const { id: trace, app } = request;
    return actors.request(kind, token, verb, {}, { deadlineMs: options.deadlineMs, app, trace });
  }
}
