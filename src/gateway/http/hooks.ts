/** What happens around every request, raw or Nest's: trace id, who calls, limits, errors. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { EngineError } from '../../kernel/errors.js';
import type { Logger } from '../../kernel/logger.js';
import { ANONYMOUS, demandScope, type Caller } from '../auth/api-keys.js';
import { toEngineError, toHttpError } from '../error-mapping.js';
import type { GatewayServices } from '../services.js';
import type { Access } from './route-access.js';
import { drain } from './unread-body.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls. `request.id` is the trace id. */
    caller: Caller;
    /** The app whose request it is. */
    app: string;
  }
}

export const TRACE_HEADER = 'x-trace-id';

/** The documentation runs scripts, its own and no others, and stands in nobody's frame. */
const DOCS_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

const isDocs = (url: string | undefined): boolean => url !== undefined && url.startsWith('/docs');

/**
 * Everything that stands between a request and its route, in this order and before a byte of its body is read: its
 * address's limit, where it says it comes from, who it is, whether there is such a route, whether the caller may use it,
 * the caller's limit. All of it goes by the route that was found, never by the URL's spelling.
 */
export function installHooks(server: FastifyInstance, services: GatewayServices): void {
  server.decorateRequest('caller');
  server.decorateRequest('app', '');
  server.addHook('onRequest', (request, reply, done) => {
    reply.header(TRACE_HEADER, request.id).header('x-content-type-options', 'nosniff');
    request.caller = ANONYMOUS;
    // Fastify makes them anew each time that they are asked for.
    const {
      url,
      config: { access },
    } = request.routeOptions;
    // Who hangs up gets no answer, but what they asked for may be done all the same.
    if (access?.audited !== undefined) reply.raw.once('close', () => audit(request, reply, services));
    try {
      admit(request, access, services);
    } catch (error) {
      done(error as Error);
      return;
    }
    if (isDocs(url)) reply.headers(DOCS_HEADERS);
    else reply.header('cache-control', 'no-store');
    if (!access?.body) leaveBody(request);
    done();
  });
  server.addHook('onResponse', (request, reply, done) => {
    services.deps.logger.debug('Request answered.', {
      trace: request.id,
      method: request.method,
      url: request.url,
      status: reply.statusCode,
      ms: reply.elapsedTime,
    });
    done();
  });
}

function admit(request: FastifyRequest, access: Access | undefined, services: GatewayServices): void {
  const { limits, guardHost, authenticate, appOf } = services;
  limits.admitAddress(request);
  guardHost?.(request.headers);
  // What has no access and is a route is one of the open ones.
  if (access === undefined && !request.is404) return;
  request.caller = authenticate(request.headers);
  request.app = appOf(request.caller);
  limits.admitCaller(request);
  if (access === undefined) {
    throw new EngineError('NotFound', 'ROUTE_UNKNOWN', 'There is nothing at this method and path.');
  }
  demandScope(request.caller, access.scopes);
}

/** Takes the body of a route that wants none off the wire, and out of the parsers' sight. */
function leaveBody({ raw }: FastifyRequest): void {
  drain(raw);
  for (const name of ['content-type', 'content-length', 'transfer-encoding']) delete raw.headers[name];
}

/**
 * Who looked at a person's data, and who did what: written once a request, whatever the log's level is and however it ended.
 * Whoever hung up before the answer began is told from the others by `answered`, and their line has no status.
 */
function audit(request: FastifyRequest, reply: FastifyReply, { deps }: GatewayServices): void {
  const { config, url } = request.routeOptions;
  const audited = config.access?.audited;
  // A caller that is not known did not get as far as the route.
  if (audited === undefined || reply.statusCode === 401) return;
  const isAnswered = reply.raw.headersSent;
  (deps.audit ?? deps.logger).info(audited === 'act' ? 'Operator acted.' : 'Personal data read.', {
    by: request.caller.name,
    action: `${request.method} ${url}`,
    target: request.params,
    command: (request.body as { name?: unknown } | null | undefined)?.name,
    answered: isAnswered,
    status: isAnswered ? reply.statusCode : undefined,
    address: request.ip,
    trace: request.id,
  });
}

/** Answers with the error's status and body; logs what is the engine's own fault, with its cause. */
export function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): FastifyReply {
  const error = toEngineError(thrown);
  const { status, retryAfterSeconds, body } = toHttpError(error, request.id);
  if (status === 500) {
    logger.error('Request failed.', { trace: request.id, code: error.code, error: error.cause ?? error });
  } else if (status === 503) {
    logger.warn('Request refused.', { trace: request.id, code: error.code, detail: error.message });
  }
  if (retryAfterSeconds !== undefined) void reply.header('retry-after', String(retryAfterSeconds));
  if (status === 401) void reply.header('www-authenticate', 'Bearer');
  // It may have failed before its body was read.
  drain(request.raw);
  return reply.code(status).header(TRACE_HEADER, request.id).type('application/json; charset=utf-8').send(body);
}
