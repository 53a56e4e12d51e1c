/** What the gateway does before it does anything: who may come in, how often, how large, how slow. */
import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createGateway } from '../../src/gateway/create-gateway.js';
import type { GatewayDeps } from '../../src/gateway/deps.js';
import { OPEN_ROUTES } from '../../src/gateway/http/route-access.js';
import { SCOPES, type Scope } from '../../src/kernel/scopes.js';
import { decisionBody, fakeWorld, type FakeWorld } from '../support/gateway-fakes.js';

let app: NestFastifyApplication | undefined;
const sockets: Socket[] = [];

/** Nothing that is asked for here takes as long; only what a test is about may. */
async function start(options: GatewayDeps['options'] = {}): Promise<FakeWorld & { port: number }> {
  const world = fakeWorld(options);
  app = await createGateway(world.deps);
  await app.listen(0, '127.0.0.1');
  return { ...world, port: (app.getHttpServer().address() as { port: number }).port };
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await app?.close();
  app = undefined;
});

interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** Everything that comes back on a connection of its own, once it has closed. */
class Wire {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  text = '';
  private waiting: (() => void)[] = [];

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1' });
    sockets.push(this.socket);
    this.socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('latin1');
      for (const wake of this.waiting.splice(0)) wake();
    });
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()));
    void this.closed.then(() => this.waiting.splice(0).forEach((wake) => wake()));
  }

  send(head: string, body: Buffer | string = ''): this {
    this.socket.write(
      Buffer.concat([Buffer.from(head.replaceAll('\n', '\r\n'), 'latin1'), Buffer.from(body as string)]),
    );
    return this;
  }

  /** The first answer on it. */
  async answer(): Promise<Answer> {
    for (;;) {
      const end = this.text.indexOf('\r\n\r\n');
      if (end >= 0) {
        const head = this.text.slice(0, end);
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
        const body = this.text.slice(end + 4);
        if (body.length >= length) return { status: Number(head.split(' ')[1]), head, body: body.slice(0, length) };
      }
      if (this.socket.destroyed) return { status: 0, head: '', body: this.text };
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }
}

const codeOf = ({ body }: Answer): unknown => (JSON.parse(body) as { code: unknown }).code;

const keyed = (name: string, scopes: readonly Scope[]) => ({
  name,
  sha256: createHash('sha256').update(`secret of ${name}`).digest('hex'),
  scopes,
});

/** Two million brackets in 4 KB. */
const BOMB = gzipSync('['.repeat(1_000_000) + ']'.repeat(1_000_000));

describe('bodies that nobody wants', () => {
  const inputs = [
    ['POST', '/docs', 404],
    ['POST', '/health/x', 404],
    ['POST', '/health/live', 404],
    ['POST', '/nowhere', 404],
    ['PUT', '/v1/decisions', 404],
    ['GET', '/docs-json', 200],
    ['GET', '/v1/zones', 200],
    ['GET', '/health/live', 200],
    ['POST', '/v1/deadletters/0/1/redrive', 404],
  ] as const;

  it.each(inputs)('are not read: %s %s', async (method, path, status) => {
    const { port } = await start();
    const head = `${method} ${path} HTTP/1.1\nhost: localhost\ncontent-type: application/json\n`;
    // The answer comes though the body never does.
    const silent = await new Wire(port).send(`${head}content-length: 4000\n\n`).answer();
    expect(silent.status).toBe(status);
    const gzip = `${head}content-encoding: gzip\ncontent-length: ${BOMB.length}\n\n`;
    const wire = new Wire(port).send(gzip, BOMB);
    expect((await wire.answer()).status).toBe(status);
    // And the connection is good for another request.
    wire.text = '';
    wire.send('GET /health/live HTTP/1.1\nhost: localhost\n\n');
    expect(await wire.answer()).toMatchObject({ status: 200, body: '{"live":true}' });
  });

  it('are discarded within bounds: then the connection ends', async () => {
    const { port } = await start();
    const wire = new Wire(port).send('POST /docs HTTP/1.1\nhost: x\ncontent-length: 1000000000\n\n');
    const chunk = Buffer.alloc(64 * 1024);
    let sent = 0;
    const pump = (): void => {
      while (!wire.socket.destroyed) {
        sent += chunk.length;
        if (!wire.socket.write(chunk)) return void wire.socket.once('drain', pump);
      }
    };
    pump();
    expect((await wire.answer()).status).toBe(404);
    await wire.closed;
    // What is beyond the bound is what two kernels buffer.
    expect(sent).toBeLessThan(100_000_000);
  });

  it('are not read before the key is known either', async () => {
    const { port } = await start({ apiKeys: [keyed('app', ['events'])] });
    const head = 'POST /v1/events HTTP/1.1\nhost: x\ncontent-type: application/json\ncontent-length: 4000\n';
    const unknown = await new Wire(port).send(`${head}\n`).answer();
    expect([unknown.status, codeOf(unknown)]).toEqual([401, 'API_KEY_MISSING']);
    const decide = head.replace('/v1/events', '/v1/decisions');
    const forbidden = await new Wire(port).send(`${decide}x-api-key: secret of app\n\n`).answer();
    expect([forbidden.status, codeOf(forbidden)]).toEqual([403, 'SCOPE_MISSING']);
  });
});

describe('bodies that are wanted', () => {
  const post = (port: number, text: Buffer | string, gzipped = false): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(gzipped ? { 'content-encoding': 'gzip' } : {}) },
      body: new Uint8Array(Buffer.from(text as string)),
    });

  const event = (over: object) => ({ specversion: '1.0', id: '1', source: 's', type: 't', subject: 'user/1', ...over });
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

  it.each<[string, Buffer | string, boolean, number, string]>([
    ['unpack too far', BOMB, true, 413, 'BODY_UNPACKS_TOO_FAR'],
    ['are nested too deeply', nested(33), false, 400, 'JSON_TOO_DEEP'],
    ['are nested too deeply under gzip', gzipSync(nested(30_000)), true, 400, 'JSON_TOO_DEEP'],
    ['hold too much', `[${'0,'.repeat(200_000)}0]`, false, 400, 'JSON_TOO_MANY_TOKENS'],
    [
      'hold an object of too many keys',
      JSON.stringify(event({ data: Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`k${i}`, i])) })),
      false,
      400,
      'JSON_TOO_MANY_KEYS',
    ],
    [
      'hold one event of too much',
      JSON.stringify(event({ data: { x: new Array(60_000).fill(0) } })),
      false,
      400,
      'JSON_TOO_MANY_TOKENS',
    ],
  ])('are refused where they %s', async (_what, body, gzipped, status, code) => {
    const { port, ingress } = await start();
    const answer = await post(port, body, gzipped);
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([status, code]);
    expect(ingress.published).toEqual([]);
  });

  it('may pack as well as a real batch does', async () => {
    const { port } = await start();
    const batch = Array.from({ length: 1000 }, (_, i) => event({ id: `e${i}`, data: { value: i, lat: 40.7 } }));
    expect((await post(port, gzipSync(JSON.stringify(batch)), true)).status).toBe(202);
  });
});

describe('limits', () => {
  const statusOf = async (port: number, request: string): Promise<number> =>
    (await new Wire(port).send(`${request} HTTP/1.1\nhost: x\nconnection: close\n\n`).answer()).status;

  const paths = [
    '/v1/zones',
    '/%76%31/zones',
    'http://x/v1/zones',
    '/v1/zones?a',
    '/metrics',
    '/docs',
    '/docs-json',
    '/nope',
    '/health/live',
  ];
  it.each(paths)('count GET %s for its address', async (path) => {
    const { port } = await start({ rateLimit: { perAddress: 3 } });
    const statuses = [];
    for (let i = 0; i < 20; i++) statuses.push(await statusOf(port, `GET ${path}`));
    expect(statuses[0]).not.toBe(429);
    expect(statuses).toContain(429);
  });

  it.each([
    ['a URL that is none', 'GET /%zz HTTP/1.1\nhost: x\nconnection: close\n\n', 'URL_MALFORMED', 400],
    ['an Expect that nobody knows', 'GET /v1/zones HTTP/1.1\nhost: x\nexpect: foo\n\n', 'EXPECTATION_UNKNOWN', 417],
    ['what is not HTTP', 'hello there\n\n', 'HTTP_MALFORMED', 400],
  ])('count %s for its address', async (_, text, code, status) => {
    const { port } = await start({ rateLimit: { perAddress: 3 } });
    const answers: Answer[] = [];
    for (let i = 0; i < 20; i++) answers.push(await new Wire(port).send(text).answer());
    expect([answers[0]!.status, codeOf(answers[0]!)]).toEqual([status, code]);
    expect(answers.map(codeOf)).toContain('RATE_LIMITED');
    // Each answer ends, also the one that follows on the same connection.
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([status, 429]));
  });

  it('count for their address who has no key', async () => {
    const { port } = await start({ apiKeys: [keyed('app', ['read'])], rateLimit: { perAddress: 3 } });
    const statuses = [];
    for (let i = 0; i < 20; i++) statuses.push(await statusOf(port, 'GET /v1/zones'));
    expect(new Set(statuses)).toEqual(new Set([401, 429]));
  });

  it.each(['/v1/zones', '/%76%31/zones', 'http://x/v1/zones', '/metrics'])('count GET %s for its key', async (path) => {
    const { port } = await start({ apiKeys: [keyed('app', ['read'])], rateLimit: { perKey: 3 } });
    const statuses = [];
    for (let i = 0; i < 20; i++) {
      const request = `GET ${path} HTTP/1.1\nhost: x\nx-api-key: secret of app\n\n`;
      statuses.push((await new Wire(port).send(request).answer()).status);
    }
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
  });

  it('count a batch by its events and a body by its bytes', async () => {
    const { port, ingress } = await start({ rateLimit: { perKey: 100 } });
    const event = { specversion: '1.0', source: 's', type: 't', subject: 'user/1' };
    const send = (count: number, blob = ''): Promise<Response> =>
      fetch(`http://127.0.0.1:${port}/v1/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(Array.from({ length: count }, (_, i) => ({ ...event, id: `${i}`, data: { blob } }))),
      });
    // More than a second's worth is let through once, and paid for.
    expect((await send(1000)).status).toBe(202);
    const refused = await send(1);
    expect([refused.status, Number(refused.headers.get('retry-after'))]).toEqual([429, expect.any(Number)]);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(5);
    expect(ingress.published).toHaveLength(1000);
  });
});

describe('connections', () => {
  it('are limited for each address', async () => {
    const { port } = await start({ connectionsPerAddressMax: 2 });
    const live = 'GET /health/live HTTP/1.1\nhost: x\n\n';
    const [first, second] = [new Wire(port), new Wire(port)];
    expect((await first.send(live).answer()).status).toBe(200);
    expect((await second.send(live).answer()).status).toBe(200);
    const third = new Wire(port);
    const refused = await third.answer();
    expect([refused.status, codeOf(refused)]).toEqual([429, 'CONNECTIONS_TOO_MANY']);
    await third.closed;
    first.socket.destroy();
    await first.closed;
    // The server hears of it a moment later.
    for (;;) {
      const next = await new Wire(port).send(live).answer();
      if (next.status === 200) break;
    }
  });

  it.each([
    ['headers', 'POST /v1/events HTTP/1.1\nhost: x\n', 'x-slow: 1\n'],
    ['a first line', 'GET /hea', 'l'],
    ['a body', 'POST /v1/events HTTP/1.1\nhost: x\ncontent-type: application/json\ncontent-length: 500\n\n[', ' '],
    ['nothing at all', '', ''],
  ])('end where %s come too slowly', async (_what, first, trickle) => {
    const { port } = await start({ slowClientMs: 300 });
    const wire = new Wire(port).send(first);
    const timer = setInterval(() => trickle !== '' && wire.send(trickle), 20);
    await wire.closed;
    clearInterval(timer);
    expect(wire.text === '' || codeOf(await wire.answer()) === 'REQUEST_TIMEOUT').toBe(true);
  });

  it('end where an answer is read too slowly', async () => {
    const { port } = await start({ slowClientMs: 300 });
    const wire = new Wire(port);
    wire.socket.pause();
    // Far more than two kernels buffer.
    for (let i = 0; i < 40; i++) wire.send('GET /docs/swagger-ui-bundle.js HTTP/1.1\nhost: x\n\n');
    const server = app!.getHttpServer() as { getConnections(done: (error: unknown, count: number) => void): void };
    const open = (): Promise<number> =>
      new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
    while ((await open()) === 0) await new Promise((resolve) => setImmediate(resolve));
    while ((await open()) > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  });
});

describe('the documentation', () => {
  it('runs its own scripts only and stands in no frame', async () => {
    const { port } = await start();
    for (const path of ['/docs', '/docs/', '/docs/swagger-ui-bundle.js', '/docs-json', '/docs-yaml']) {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`);
      await answer.text();
      const { status, headers } = answer;
      expect([path, status]).toEqual([path, 200]);
      expect(headers.get('content-security-policy')).toContain("script-src 'self'; ");
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
    }
  });

  it('can be switched off', async () => {
    const { port } = await start({ docs: false });
    for (const path of ['/docs', '/docs/', '/docs-json', '/docs-yaml', '/docs/swagger-ui-bundle.js'])
      expect([path, (await fetch(`http://127.0.0.1:${port}${path}`)).status]).toEqual([path, 404]);
  });
});

describe('on loopback', () => {
  const ask = async (port: number, headers: string): Promise<Answer> =>
    new Wire(port).send(`GET /v1/users/1 HTTP/1.1\n${headers}\nconnection: close\n\n`).answer();

  it('other hosts and pages of other origins are refused', async () => {
    const { port, actors } = await start({ allowedHosts: ['attune.local'] });
    expect((await ask(port, `host: localhost:${port}`)).status).toBe(200);
    expect((await ask(port, 'host: attune.local\norigin: http://attune.local')).status).toBe(200);
    actors.asked.length = 0;
    for (const [headers, code] of [
      [`host: evil.example:${port}`, 'HOST_FORBIDDEN'],
      [`host: localhost\norigin: https://evil.example`, 'ORIGIN_FORBIDDEN'],
      [`host: localhost\norigin: null`, 'ORIGIN_FORBIDDEN'],
    ] as const) {
      const answer = await ask(port, headers);
      expect([answer.status, codeOf(answer)]).toEqual([403, code]);
    }
    expect(actors.asked).toEqual([]);
  });
});

describe('scopes', () => {
  const DECISION = 'abcdefgh1234.user.42';
  /** Every route but the open ones, as a request that succeeds, and the scopes that open it. */
  const routes: readonly (readonly [route: string, path: string, body: unknown, scopes: readonly Scope[]])[] = [
    [
      'POST /v1/decisions',
      '/v1/decisions',
      { surface: 'rider.pickup', subject: { kind: 'rider', id: '1' } },
      ['decide'],
    ],
    ['POST /v1/events', '/v1/events', [], ['events']],
    ['POST /v1/decisions/:id/reward', `/v1/decisions/${DECISION}/reward`, { value: 1 }, ['events']],
    ['GET /v1/decisions/:id', `/v1/decisions/${DECISION}`, undefined, ['read']],
    ['GET /v1/users/:id', '/v1/users/1', undefined, ['read']],
    ['GET /v1/zones/:cell', '/v1/zones/882a100d67fffff', undefined, ['read']],
    ['GET /v1/zones', '/v1/zones', undefined, ['read']],
    ['GET /v1/campaigns/:id', '/v1/campaigns/c', undefined, ['campaigns', 'audit', 'read']],
    ['POST /v1/campaigns/:id/commands', '/v1/campaigns/c/commands', { name: 'pause', why: 'w' }, ['campaigns']],
    ['GET /v1/learners', '/v1/learners', undefined, ['operate', 'read']],
    ['GET /v1/learners/:id', '/v1/learners/l', undefined, ['operate', 'read']],
    ['POST /v1/policies/:id/rollback', '/v1/policies/p/rollback', { why: 'w' }, ['operate']],
    ['GET /v1/deadletters', '/v1/deadletters', undefined, ['operate']],
    ['POST /v1/deadletters/:partition/:sequence/redrive', '/v1/deadletters/3/9/redrive', undefined, ['operate']],
    ['GET /v1/status', '/v1/status', undefined, ['operate', 'read']],
    ['GET /metrics', '/metrics', undefined, ['operate', 'read']],
  ];

  async function world(): Promise<
    FakeWorld & { call: (key: string, route: (typeof routes)[number]) => Promise<Response> }
  > {
    const made = await start({ apiKeys: SCOPES.map((scope) => keyed(scope, [scope])) });
    made.actors.decisions.set(DECISION, decisionBody(DECISION, ['a']));
    made.deadLetters.push({
      partition: 3,
      sequence: 9,
      subject: 's',
      reason: 'r',
      payload: '',
      truncated: false,
      atMs: 1,
    });
    const call: Awaited<ReturnType<typeof world>>['call'] = (key, [route, path, body]) =>
      fetch(`http://127.0.0.1:${made.port}${path}`, {
        method: route.split(' ')[0]!,
        headers: {
          'x-api-key': `secret of ${key}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    return { ...made, call };
  }

  it.each(routes)('%s', async (...route) => {
    const { call } = await world();
    const opened: Scope[] = [];
    for (const scope of SCOPES) {
      const answer = await call(scope, route);
      if (answer.status !== 403) opened.push(scope);
      else expect(await answer.json()).toMatchObject({ code: 'SCOPE_MISSING' });
      if (answer.status !== 403) expect(answer.status).toBeLessThan(300);
    }
    expect(opened.sort()).toEqual([...route[3]].sort());
  });

  it('are named by every route, and this table names every route', async () => {
    const { port } = await start();
    const { paths } = (await (await fetch(`http://127.0.0.1:${port}/docs-json`)).json()) as {
      paths: Record<string, object>;
    };
    const documented = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
    );
    const expected = [...routes.map(([route]) => route), 'GET /health/live', 'GET /health/ready'];
    expect(documented.sort()).toEqual(expected.sort());
    const open = expected.filter((route) => OPEN_ROUTES.has(route));
    expect(open).toEqual(['GET /health/live', 'GET /health/ready']);
  });

  it('are asked for by the route, however it is spelled', async () => {
    const { port } = await start({ apiKeys: [keyed('app', ['events'])] });
    for (const path of [
      '/v1/users/1',
      '/%76%31/users/1',
      '/v1/%75sers/1',
      'http://x/v1/users/1',
      '/health/../v1/users/1',
      '/docs/../v1/users/1',
      '/docs/%2e%2e/v1/users/1',
    ]) {
      const request = `GET ${path} HTTP/1.1\nhost: x\nx-api-key: secret of app\n\n`;
      expect([path, (await new Wire(port).send(request).answer()).status]).toEqual([path, expect.any(Number)]);
      const without = await new Wire(port).send(`GET ${path} HTTP/1.1\nhost: x\n\n`).answer();
      expect([path, without.body.includes('"kind":"user"')]).toEqual([path, false]);
    }
  });

  it('stop the boot where a route names none', async () => {
    const { deps } = fakeWorld();
    const { Controller, Get } = await import('@nestjs/common');
    class Careless {
      look(): string {
        return 'anything';
      }
    }
    Controller('v1/careless')(Careless);
    Get()(Careless.prototype, 'look', Object.getOwnPropertyDescriptor(Careless.prototype, 'look')!);
    const { GatewayModule } = await import('../../src/gateway/gateway.module.js');
    const whole = GatewayModule.forRoot(deps);
    const root = { ...whole, controllers: [...whole.controllers!, Careless] };
    await expect(createGateway(deps, root)).rejects.toMatchObject({
      family: 'Configuration',
      code: 'ROUTE_WITHOUT_SCOPE',
      message: expect.stringContaining('GET /v1/careless'),
    });
  });

  it('show of a campaign what they stand for, as over NATS', async () => {
    const made = fakeWorld({
      apiKeys: SCOPES.flatMap((scope) => [keyed(scope, [scope]), keyed(`read+${scope}`, ['read', scope])]),
    });
    const view = { id: 'c', status: 'live' };
    const request: GatewayDeps['actors']['request'] = (_kind, _token, verb) =>
      Promise.resolve(verb === 'view' ? view : { ...view, spentCents: 3, audit: [{ by: 'ada' }] });
    app = await createGateway({ ...made.deps, actors: { request } });
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as { port: number };
    const seen = async (key: string): Promise<unknown> =>
      (await fetch(`http://127.0.0.1:${port}/v1/campaigns/c`, { headers: { 'x-api-key': `secret of ${key}` } })).json();
    expect(await seen('read')).toEqual(view);
    expect(await seen('read+events')).toEqual(view);
    for (const key of ['campaigns', 'read+campaigns', 'read+operate'])
      expect(await seen(key)).toEqual({ ...view, spentCents: 3 });
    for (const key of ['audit', 'read+audit']) expect(await seen(key)).toEqual({ ...view, audit: [{ by: 'ada' }] });
  });

  it('leave a line in the audit log also of those who hang up before they are answered', async () => {
    const { port, actors, logger } = await start({ apiKeys: [keyed('ops', ['campaigns'])] });
    let release = (): void => undefined;
    actors.held = new Promise((resolve) => (release = resolve));
    const body = JSON.stringify({ name: 'end', why: 'w' });
    const head = `POST /v1/campaigns/c/commands HTTP/1.1\nhost: x\nx-api-key: secret of ops\n`;
    const wire = new Wire(port).send(`${head}content-type: application/json\ncontent-length: ${body.length}\n\n`, body);
    while (actors.asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
    wire.socket.destroy();
    const lines = () => logger.lines.filter(({ message }) => message === 'Operator acted.');
    while (lines().length === 0) await new Promise((resolve) => setImmediate(resolve));
    release();
    expect(lines().map(({ fields }) => fields)).toEqual([
      expect.objectContaining({ by: 'ops', target: { id: 'c' }, command: 'end', answered: false, status: undefined }),
    ]);
  });

  it('leave a line in the audit log for personal data and for acts, refused ones too', async () => {
    const { call, logger } = await world();
    for (const route of routes) for (const key of ['read', 'operate', 'campaigns']) await call(key, route);
    const lines = logger.lines
      .filter(({ fields }) => fields.by !== undefined)
      .map(({ level, message, fields: { by, action, target, status } }) => ({
        level,
        message,
        by,
        action,
        target,
        status,
      }));
    expect(lines).toContainEqual({
      level: 'info',
      message: 'Personal data read.',
      by: 'read',
      action: 'GET /v1/users/:id',
      target: { id: '1' },
      status: 200,
    });
    expect(lines).toContainEqual(
      expect.objectContaining({
        message: 'Operator acted.',
        by: 'campaigns',
        action: 'POST /v1/campaigns/:id/commands',
      }),
    );
    expect(lines).toContainEqual(expect.objectContaining({ by: 'operate', action: 'GET /v1/users/:id', status: 403 }));
    expect([...new Set(lines.map(({ action }) => action))].sort()).toEqual([
      'GET /v1/deadletters',
      'GET /v1/decisions/:id',
      'GET /v1/users/:id',
      'POST /v1/campaigns/:id/commands',
      'POST /v1/deadletters/:partition/:sequence/redrive',
      'POST /v1/policies/:id/rollback',
    ]);
  });
});
