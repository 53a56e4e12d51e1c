import 'reflect-metadata';
import type { LoggerService } from '@nestjs/common';
import type { Server } from 'node:http';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { FastifyHttpOptions, FastifyInstance } from 'fastify';
import type { Logger } from '../kernel/logger.js';
import type { RequestLimits } from './auth/request-limits.js';
import { routeDecisions } from './decide/decide.route.js';
import type { GatewayDeps } from './deps.js';
import { routeEvents } from './events/events.route.js';
import { GatewayModule } from './gateway.module.js';
import { installBodyParsers } from './http/body-parsing.js';
import { boundConnections, CHECK_MS } from './http/connections.js';
import { ErrorFilter } from './http/error.filter.js';
import { installHooks, sendError } from './http/hooks.js';
import { describeApi } from './http/openapi.js';
import { demandAccess } from './http/route-access.js';
import { traceIdOf } from './http/trace.js';
import { answerUnparsed, refusalOf, refuseExpectations } from './http/unparsed.js';
import { gatewayOptionsSchema } from './options.js';
import { GatewayServices } from './services.js';

/** Longer than any URL Node takes: what is too long for an id is answered as that. */
const PARAM_CHARS_MAX = 16_384;

type Root = Parameters<typeof NestFactory.create>[0];

/**
 * The HTTP face, initialised but not yet listening: `await app.listen(port, host)`; `await app.close()` lets requests under
 * way finish. `root` may be an application module that imports `GatewayModule.forRoot(deps)`.
 */
export async function createGateway(
  deps: GatewayDeps,
  root: Root = GatewayModule.forRoot(deps),
): Promise<NestFastifyApplication> {
  const { slowClientMs } = gatewayOptionsSchema.parse(deps.options ?? {});
  // Known once the application is made, which takes these options.
  const late: { limits?: RequestLimits } = {};
  const serverOptions: FastifyHttpOptions<Server> = {
    genReqId: (request) => traceIdOf(request.headers.traceparent as string | undefined),
    requestIdHeader: false,
    routerOptions: { maxParamLength: PARAM_CHARS_MAX },
    // The same bound for headers and for the whole of a request, and looked at often enough to mean it.
    requestTimeout: slowClientMs,
    http: { headersTimeout: slowClientMs, connectionsCheckingInterval: Math.min(CHECK_MS, slowClientMs) },
    // None of these gets as far as the hooks; each is counted for its address all the same.
    frameworkErrors: (error, request, reply) => {
      const refused = refusalOf(() => late.limits?.admitAddress(request));
      void sendError(refused ?? error, request, reply, deps.logger);
    },
    clientErrorHandler: (error, socket) =>
      answerUnparsed(
        error,
        socket,
        refusalOf(() => late.limits?.admitUnparsed(socket.remoteAddress)),
      ),
  };
  const adapter = new FastifyAdapter(serverOptions);
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, {
    bodyParser: false,
    logger: nestLogger(deps.logger),
    abortOnError: false,
  });
  const services = app.get(GatewayServices, { strict: false });
  late.limits = services.limits;
  const server = adapter.getInstance() as unknown as FastifyInstance;
  refuseExpectations(server.server, services.limits);
  boundConnections(server.server, services.options);
  const routes = demandAccess(server);
  installBodyParsers(server, services.options.bodyBytesMax, services.limits);
  installHooks(server, services);
  app.useGlobalFilters(new ErrorFilter(deps.logger));
  routeDecisions(server, services.decider);
  routeEvents(server, services.ingest, services.limits, services.options.eventsPerBatchMax);
  if (services.options.docs)
    SwaggerModule.setup('docs', app, () => describeApi(app, routes, services.options.apiKeys.length > 0));
  await app.init();
  await server.ready();
  return app;
}

/** Nest's own lines go to the structured log; its boot chatter to debug. */
function nestLogger(logger: Logger): LoggerService {
  const line =
    (level: 'debug' | 'warn' | 'error') =>
    (message: unknown, ...rest: unknown[]): void =>
      logger[level]('Nest', {
        detail: String(message),
        context: rest.filter((part) => typeof part === 'string').at(-1),
      });
  return { log: line('debug'), debug: line('debug'), verbose: line('debug'), warn: line('warn'), error: line('error') };
}
