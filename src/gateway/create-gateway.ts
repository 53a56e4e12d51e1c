import 'reflect-metadata';
import type { LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyServerOptions } from 'fastify';
import { invalidRequest } from '../kernel/errors.js';
import type { Logger } from '../kernel/logger.js';
import { routeDecisions } from './decide/decide.route.js';
import type { GatewayDeps } from './deps.js';
import { toHttpError } from './error-mapping.js';
import { routeEvents } from './events/events.route.js';
import { GatewayModule } from './gateway.module.js';
import { installBodyParsers } from './http/body-parsing.js';
import { ErrorFilter } from './http/error.filter.js';
import { installHooks, sendError } from './http/hooks.js';
import { describeApi } from './http/openapi.js';
import { traceIdOf } from './http/trace.js';
import { GatewayServices } from './services.js';

/** Longer than any URL Node takes: what is too long for an id is answered as that. */
const PARAM_CHARS_MAX = 16_384;
/** A request that has not arrived in this time is given up. */
const REQUEST_TIMEOUT_MS = 30_000;

type Root = Parameters<typeof NestFactory.create>[0];

/**
 * The HTTP face, initialised but not yet listening: `await app.listen(port, host)`; `await app.close()` lets requests under
 * way finish. `root` may be an application module that imports `GatewayModule.forRoot(deps)`.
 */
export async function createGateway(
  deps: GatewayDeps,
  root: Root = GatewayModule.forRoot(deps),
): Promise<NestFastifyApplication> {
  const serverOptions: FastifyServerOptions = {
    genReqId: (request) => traceIdOf(request.headers.traceparent as string | undefined),
    requestIdHeader: false,
    routerOptions: { maxParamLength: PARAM_CHARS_MAX },
    requestTimeout: REQUEST_TIMEOUT_MS,
    frameworkErrors: (error, request, reply) => void sendError(error, request, reply, deps.logger),
    clientErrorHandler: answerUnparsed,
  };
  const adapter = new FastifyAdapter(serverOptions);
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, {
    bodyParser: false,
    logger: nestLogger(deps.logger),
    abortOnError: false,
  });
  const services = app.get(GatewayServices, { strict: false });
  const server = adapter.getInstance() as unknown as FastifyInstance;
  server.server.maxConnections = services.options.connectionsMax;
  installBodyParsers(server, services.options.bodyBytesMax);
  installHooks(server, services);
  app.useGlobalFilters(new ErrorFilter(deps.logger));
  routeDecisions(server, services.decider);
  routeEvents(server, services.ingest, services.options.eventsPerBatchMax);
  if (services.options.docs) SwaggerModule.setup('docs', app, () => describeApi(app));
  await app.init();
  await server.ready();
  return app;
}

/** What is not even HTTP: there is no request to route, only a socket to answer on. */
function answerUnparsed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const cause =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? invalidRequest('HEADERS_TOO_LARGE', 'The URL and headers are larger than this gateway accepts.')
      : invalidRequest('HTTP_MALFORMED', 'The request is not well-formed HTTP.');
  const { status, body } = toHttpError(cause, traceIdOf(undefined));
  const text = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${status} ${status === 431 ? 'Request Header Fields Too Large' : 'Bad Request'}\r\n` +
      `content-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(text)}\r\n` +
      `connection: close\r\n\r\n${text}`,
  );
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
