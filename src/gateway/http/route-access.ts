/**
 * Who may come in where. Every route says so itself; a route that does not is a mistake that stops the boot, so that a new
 * one is never open by accident.
 */
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { EngineError } from '../../kernel/errors.js';
import type { Scope } from '../../kernel/scopes.js';

export interface Access {
  /** A key needs one of these. */
  readonly scopes: readonly Scope[];
  /** Whether the route reads a body; where it does not, none is read. */
  readonly body?: true;
  /** Each use is written to the audit log: a look at personal data, or an operator's act. */
  readonly audited?: 'personal data' | 'act';
}

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
}

/** Of a Nest handler. Routes beside Nest give `{ config: { access } }`. */
export const Allow = (access: Access): MethodDecorator => RouteConfig({ access }) as MethodDecorator;

/**
 * Open to everybody, exactly these: probes have no keys, and the documentation holds no data. The routes of the
 * documentation are Swagger's own, `/docs/*` its files.
 */
export const OPEN_ROUTES: ReadonlySet<string> = new Set([
  'GET /health/live',
  'GET /health/ready',
  'GET /docs',
  'GET /docs/',
  'GET /docs/index.html',
  'GET /docs/LICENSE',
  'GET /docs/docs/swagger-ui-init.js',
  'GET /docs/swagger-ui-init.js',
  'GET /docs/*',
  'GET /docs-json',
  'GET /docs-yaml',
]);

/** The routes of `server`, as `GET /v1/users/:id`; open ones have no access. */
export type RouteTable = ReadonlyMap<string, Access | undefined>;

/**
 * From here on the server refuses, with Configuration `ROUTE_WITHOUT_SCOPE`, to take a route that neither names its scopes
 * nor is one of the open ones. The table grows as routes are added.
 */
export function demandAccess(server: FastifyInstance): RouteTable {
  const table = new Map<string, Access | undefined>();
  server.addHook('onRoute', ({ method, url, config }) => {
    for (const one of [method].flat()) {
      // Fastify adds HEAD to every GET.
      const route = `${one === 'HEAD' ? 'GET' : one} ${url}`;
      const access = config?.access;
      if (access === undefined ? !OPEN_ROUTES.has(route) : access.scopes.length === 0) {
        throw new EngineError('Configuration', 'ROUTE_WITHOUT_SCOPE', `The route ${route} names no scope.`);
      }
      table.set(route, access);
    }
  });
  return table;
}
