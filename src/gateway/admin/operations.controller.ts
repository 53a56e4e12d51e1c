import { Controller, Get, Inject, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Allow } from '../http/route-access.js';
import { GatewayServices } from '../services.js';

/** What operators and their machines ask: alive, ready, counters, who owns what. */
@ApiTags('operations')
@Controller()
export class OperationsController {
  constructor(@Inject(GatewayServices) private readonly services: GatewayServices) {}

  @Get('health/live')
  @ApiOperation({ summary: 'The process answers' })
  live(): { live: true } {
    return { live: true };
  }

  @Get('health/ready')
  @ApiOperation({ summary: '200 when the engine can do its work, else 503 with the reasons' })
  ready(@Res({ passthrough: true }) reply: FastifyReply): { ready: boolean; reasons: readonly string[] } {
    const reasons = this.services.deps.status.notReady();
    if (reasons.length > 0) void reply.code(503);
    return { ready: reasons.length === 0, reasons };
  }

  @Get('metrics')
  @Allow({ scopes: ['operate', 'read'] })
  @ApiOperation({ summary: 'Prometheus metrics' })
  async metrics(@Res() reply: FastifyReply): Promise<void> {
    const { metrics } = this.services;
    const text = await metrics.text();
    void reply.header('content-type', metrics.contentType).send(text);
  }

  @Get('v1/status')
  @Allow({ scopes: ['operate', 'read'] })
  @ApiOperation({ summary: 'Hosts, the partitions they own, how far behind they are' })
  async status(): Promise<{ ready: boolean; reasons: readonly string[]; hosts: readonly unknown[] }> {
    const { status } = this.services.deps;
    const hosts = await status.hosts(this.services.options.deadlineMs);
    const reasons = status.notReady();
    return { ready: reasons.length === 0, reasons, hosts };
  }
}
