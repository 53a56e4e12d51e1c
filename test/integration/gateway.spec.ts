import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createGateway } from '../../src/gateway/create-gateway.js';
import type { GatewayDeps } from '../../src/gateway/deps.js';
import { blankStatus } from '../../src/actors/learner/status.js';
import { EngineError } from '../../src/kernel/errors.js';
import { decodeToken } from '../../src/kernel/ids.js';
import { VALIDATED } from '../../src/messages/decisions.js';
import { decisionBody, fakeWorld, type FakeWorld } from '../support/gateway-fakes.js';

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly json: any;
}

let app: NestFastifyApplication | undefined;
let port = 0;

async function start(
  options: GatewayDeps['options'] = {},
  more: Pick<GatewayDeps, 'learners' | 'unreadable'> = {},
): Promise<FakeWorld> {
  const world = fakeWorld(options);
  app = await createGateway({ ...world.deps, ...more });
  await app.listen(0, '127.0.0.1');
  port = (app.getHttpServer().address() as { port: number }).port;
  return world;
}

afterEach(async () => {
  await app?.close();
  app = undefined;
});

async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: isRaw ? (body as string) : JSON.stringify(body) }),
  });
  const text = await response.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  // Whatever happens, a client never sees a stack, and always a trace id.
  expect(text).not.toMatch(/\bat .*\.(ts|js):\d+|node_modules/);
  expect(response.headers.get('x-trace-id')).toMatch(/^[0-9a-f]{32}$/);
  if (response.status >= 400 && path !== '/health/ready') {
    expect(json).toMatchObject({ code: expect.stringMatching(/^[A-Z][A-Z0-9_]+$/), message: expect.any(String) });
    expect((json as { traceId: string }).traceId).toBe(response.headers.get('x-trace-id'));
    expect(json).toHaveProperty('field');
  }
  return { status: response.status, headers: response.headers, text, json };
}

const request = (over: object = {}): Record<string, unknown> => ({
  surface: 'rider.pickup',
  subject: { kind: 'rider', id: '42' },
  context: { lat: 40.75, lng: -73.98 },
  candidates: [{ id: 'door-a', features: { distanceM: 40 } }, { id: 'door-b' }],
  k: 2,
  ...over,
});

const decide = (over: object = {}, headers = {}): Promise<Reply> =>
  call('POST', '/v1/decisions', request(over), headers);

const event = (over: object = {}): Record<string, unknown> => ({
  specversion: '1.0',
  id: 'e1',
  source: 'app',
  type: 'accept',
  subject: 'user/42',
  data: { value: 1 },
  ...over,
});

const send = (body: unknown, headers: Record<string, string> = {}): Promise<Reply> =>
  call('POST', '/v1/events', body, headers);

describe('POST /v1/decisions', () => {
  it('asks the subject’s actor and answers with its slate and the latency', async () => {
    const { actors } = await start();
    const reply = await decide({ deadlineMs: 50 });
    expect(reply.status).toBe(200);
    expect(reply.json).toMatchObject({
      decisionId: 'abcdefgh1234.user.42',
      surface: 'rider.pickup',
      slate: [
        { id: 'door-a', score: 1, propensity: 0.5, reasons: [{ code: 'nearest', contribution: 0.4 }] },
        { id: 'door-b' },
      ],
      policy: { id: 'pickup-thompson', version: 3 },
      degraded: [],
      fallbackReason: null,
      token: '1.a.abc',
    });
    expect(reply.json.latencyMs).toBeGreaterThan(0);
    expect(actors.asked[0]).toMatchObject({ kind: 'user', token: '42', verb: 'decide', options: { deadlineMs: 50 } });
    expect(actors.asked[0]!.body).toMatchObject({ [VALIDATED]: true, candidates: [{}, { features: {} }] });
  });

  it('carries the caller’s trace to the actor and back', async () => {
    const { actors } = await start();
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const reply = await decide({}, { traceparent: `00-${trace}-b7ad6b7169203331-01` });
    expect(reply.headers.get('x-trace-id')).toBe(trace);
    expect(actors.asked[0]!.options.trace).toBe(trace);
  });

  it.each(['a.b', 'a b', '*', '>', '🚕', 'x/y', 'ÿ', '%2e'])('takes the id %j', async (id) => {
    const { actors } = await start();
    expect((await decide({ subject: { kind: 'rider', id } })).status).toBe(200);
    expect(actors.asked[0]!.token).toMatch(/^[A-Za-z0-9_=-]+$/);
    expect(decodeToken(actors.asked[0]!.token)).toBe(id);
  });

  const many = (n: number) => Array.from({ length: n }, (_, i) => ({ id: `c${i}` }));
  it.each<[string, object, string, string]>([
    ['an unknown surface', { surface: 'nope' }, 'UNKNOWN_SURFACE', 'surface'],
    ['no surface', { surface: undefined }, 'INVALID_REQUEST', 'surface'],
    ['no subject', { subject: undefined }, 'INVALID_REQUEST', 'subject'],
    ['an extra field', { colour: 'red' }, 'INVALID_REQUEST', 'colour'],
    ['an extra field within', { candidates: [{ id: 'a', x: 1 }] }, 'INVALID_REQUEST', 'candidates[0].x'],
    ['a wrong type', { k: '3' }, 'INVALID_REQUEST', 'k'],
    ['a fractional k', { k: 1.5 }, 'INVALID_REQUEST', 'k'],
    ['an unknown subject kind', { subject: { kind: 'cat', id: '1' } }, 'INVALID_REQUEST', 'subject.kind'],
    ['a null', { context: { lat: null } }, 'INVALID_REQUEST', 'context.lat'],
    ['10,000 candidates', { candidates: many(10_000) }, 'CANDIDATES_TOO_MANY', 'candidates'],
    ['501 candidates', { candidates: many(501) }, 'CANDIDATES_TOO_MANY', 'candidates'],
    [
      'a duplicate candidate',
      { candidates: [{ id: 'a' }, { id: 'b' }, { id: 'a' }] },
      'CANDIDATE_DUPLICATE',
      'candidates[2].id',
    ],
    [
      'a duplicate among many',
      { candidates: [...many(400), { id: 'c7' }] },
      'CANDIDATE_DUPLICATE',
      'candidates[400].id',
    ],
    ['an empty id', { subject: { kind: 'rider', id: '' } }, 'ID_EMPTY', 'subject.id'],
    ['a 10 KB id', { subject: { kind: 'rider', id: 'x'.repeat(10_240) } }, 'ID_TOO_LONG', 'subject.id'],
    ['an id of half a character', { subject: { kind: 'rider', id: '\ud83d' } }, 'ID_NOT_TEXT', 'subject.id'],
    ['a 10 KB candidate id', { candidates: [{ id: 'x'.repeat(10_240) }] }, 'INVALID_REQUEST', 'candidates[0].id'],
    ['a token it never gave', { after: 'zzz' }, 'TOKEN_INVALID', 'after'],
  ])('refuses %s', async (_name, over, code, field) => {
    const { actors } = await start();
    const reply = await decide(over);
    expect([reply.status, reply.json.code, reply.json.field]).toEqual([400, code, field]);
    expect(actors.asked).toEqual([]);
  });

  it.each([
    ['a number beyond doubles', '1e999', 'INVALID_REQUEST', 'candidates[0].features.d'],
    ['NaN', 'NaN', 'JSON_MALFORMED', null],
    ['Infinity', '-Infinity', 'JSON_MALFORMED', null],
  ])('refuses %s as a feature', async (_name, literal, code, field) => {
    await start();
    const body = `{"surface":"rider.pickup","subject":{"kind":"rider","id":"1"},"candidates":[{"id":"a","features":{"d":${literal}}}]}`;
    const reply = await call('POST', '/v1/decisions', body);
    expect([reply.status, reply.json.code, reply.json.field]).toEqual([400, code, field]);
  });

  it.each(['null', '5', '"x"', '[]', 'true'])('refuses the body %s', async (body) => {
    await start();
    const reply = await call('POST', '/v1/decisions', body);
    expect([reply.status, reply.json.code]).toEqual([400, 'INVALID_REQUEST']);
  });

  it.each([
    new EngineError('Dependency', 'OWNER_UNREACHABLE', 'no owner', { retryAfterMs: 100 }),
    new EngineError('StaleOwner', 'OWNER_MOVED', 'moved'),
    new EngineError('Overloaded', 'JOURNAL_FULL', 'disk full'),
  ])('answers from the fallback when the owner fails with $code', async (failure) => {
    const { actors } = await start();
    actors.failure = failure;
    const reply = await decide();
    expect(reply.status).toBe(200);
    expect(reply.json).toMatchObject({ degraded: ['owner'], fallbackReason: failure.code, personalized: false });
  });

  it('passes the owner’s refusals on', async () => {
    const { actors } = await start();
    actors.failure = new EngineError('Conflict', 'REQUEST_ID_CONFLICT', 'another body', { field: 'requestId' });
    expect(await decide()).toMatchObject({ status: 409, json: { code: 'REQUEST_ID_CONFLICT', field: 'requestId' } });
    actors.failure = new EngineError('Overloaded', 'MAILBOX_FULL', 'full', { retryAfterMs: 2500 });
    const overloaded = await decide();
    expect([overloaded.status, overloaded.headers.get('retry-after')]).toEqual([429, '3']);
  });

  it.each([
    ['JOURNAL_OVERLOADED', 429],
    ['RECORD_TOO_LARGE', 413],
  ])('tells the caller of %s, which only the caller can mend', async (code, status) => {
    const { actors } = await start();
    actors.failure = new EngineError('Dependency', code, 'no');
    expect(await decide()).toMatchObject({ status, json: { code } });
  });

  it('says nothing of what broke inside, but logs it with the trace', async () => {
    const { actors, logger } = await start();
    actors.failure = new TypeError('secret of /etc/engine');
    const reply = await decide();
    expect([reply.status, reply.json.code]).toEqual([500, 'INTERNAL']);
    expect(reply.text).not.toContain('secret');
    const line = logger.lines.find((l) => l.level === 'error')!;
    expect(line.fields).toMatchObject({ trace: reply.json.traceId, error: actors.failure });
  });

  it('refuses what is over the limit of requests in flight, and recovers', async () => {
    const { actors } = await start({ requestsInFlightMax: 2 });
    let release = (): void => undefined;
    actors.held = new Promise((resolve) => (release = resolve));
    const two = [decide(), decide()];
    while (actors.asked.length < 2) await new Promise((resolve) => setImmediate(resolve));
    const third = await decide();
    expect([third.status, third.json.code, third.headers.get('retry-after')]).toEqual([429, 'OVERLOADED', '1']);
    release();
    for (const reply of await Promise.all(two)) expect(reply.status).toBe(200);
    expect((await decide()).status).toBe(200);
  });
});

describe('bodies', () => {
  it('understands gzip', async () => {
    const { ingress } = await start();
    const reply = await send(gzipSync(JSON.stringify(event())), { 'content-encoding': 'gzip' });
    expect(reply.status).toBe(202);
    expect(ingress.published).toHaveLength(1);
  });

  const zipped = gzipSync(JSON.stringify(request({ sessionId: 'abcdefghijklmnopqrstuvwxyz' })));
  it.each<[string, Buffer | string, Record<string, string>, number, string]>([
    ['truncated gzip', zipped.subarray(0, zipped.length - 12), { 'content-encoding': 'gzip' }, 400, 'BODY_TRUNCATED'],
    ['what is not gzip', '{}', { 'content-encoding': 'gzip' }, 400, 'BODY_MALFORMED'],
    ['an unknown encoding', '{}', { 'content-encoding': 'br' }, 415, 'ENCODING_UNSUPPORTED'],
    [
      'another media type',
      'a=1',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'MEDIA_TYPE_UNSUPPORTED',
    ],
    ['malformed JSON', '{"surface":', {}, 400, 'JSON_MALFORMED'],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), {}, 400, 'BODY_MALFORMED'],
    ['a poisoned prototype', '{"__proto__":{"x":1}}', {}, 400, 'JSON_MALFORMED'],
    ['an empty body', '', {}, 400, 'BODY_EMPTY'],
    ['a body over the limit', 'x'.repeat(5000), {}, 413, 'BODY_TOO_LARGE'],
    [
      'a bomb: small as gzip, over the limit unpacked',
      gzipSync(`"${'x'.repeat(1_000_000)}"`),
      { 'content-encoding': 'gzip' },
      413,
      'BODY_TOO_LARGE',
    ],
  ])('refuses %s', async (_name, body, headers, status, code) => {
    await start({ bodyBytesMax: 4096 });
    for (const path of ['/v1/decisions', '/v1/events', '/v1/campaigns/c/commands']) {
      const reply = await call('POST', path, body, headers);
      expect([path, reply.status, reply.json.code]).toEqual([path, status, code]);
    }
  });

  it('answers what is not HTTP with a clear error', async () => {
    await start();
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write('NONSENSE\r\n\r\n'));
      let got = '';
      socket
        .on('data', (chunk) => (got += chunk.toString()))
        .on('close', () => resolve(got))
        .on('error', reject);
    });
    expect(text).toContain('400 Bad Request');
    expect(JSON.parse(text.split('\r\n\r\n')[1]!)).toMatchObject({ code: 'HTTP_MALFORMED' });
  });

  it('answers a 10 KB id in the URL with its own error', async () => {
    await start();
    const reply = await call('GET', `/v1/users/${'x'.repeat(10_240)}`);
    expect([reply.status, reply.json.code, reply.json.field]).toEqual([400, 'ID_TOO_LONG', 'id']);
  });

  it.each([
    ['GET', '/nope', 404, 'ROUTE_UNKNOWN'],
    ['DELETE', '/v1/decisions', 404, 'ROUTE_UNKNOWN'],
    ['GET', '/v1/users/%E0%A4%A', 400, 'URL_MALFORMED'],
  ])('answers %s %s with %i', async (method, path, status, code) => {
    await start();
    const reply = await call(method, path);
    expect([reply.status, reply.json.code]).toEqual([status, code]);
  });
});

describe('POST /v1/events', () => {
  it('journals a structured event with the trace', async () => {
    const { ingress } = await start();
    const reply = await send(event(), { 'content-type': 'application/cloudevents+json' });
    expect(reply.status).toBe(202);
    expect(reply.json).toEqual({ accepted: [{ id: 'e1', token: '1.1.abc' }], rejected: [] });
    expect(ingress.published[0]).toMatchObject({ kind: 'user', token: '42', type: 'accept' });
    const [body] = ingress.bodies();
    expect(body).toMatchObject({ specversion: '1.0', id: 'e1', source: 'app', data: { value: 1 } });
    expect(body!.traceparent).toContain(reply.headers.get('x-trace-id'));
  });

  it('journals an event in binary mode', async () => {
    const { ingress } = await start();
    const headers = {
      'ce-specversion': '1.0',
      'ce-id': 'b1',
      'ce-source': 'app',
      'ce-type': 'pickup',
      'ce-subject': 'user/%F0%9F%9A%95',
    };
    expect((await send({ lat: 40.7, lng: -74 }, headers)).status).toBe(202);
    expect(decodeToken(ingress.published[0]!.token)).toBe('🚕');
    expect(ingress.bodies()[0]).toMatchObject({ id: 'b1', data: { lat: 40.7, lng: -74 } });
  });

  it('addresses zones, campaigns and, for decisions made without consent, their stand-ins', async () => {
    const { ingress } = await start();
    const batch = [
      event({ id: '1', subject: 'zone/882a100d67fffff', type: 'pickup', data: undefined }),
      event({ id: '2', subject: 'campaign/spring.sale', type: 'note' }),
      event({ id: '3', data: { decisionId: 'abcdefgh1234.anon.s=2E1' } }),
    ];
    expect((await send(batch)).json.rejected).toEqual([]);
    expect(ingress.published.map((e) => `${e.kind}/${e.token}`)).toEqual([
      'zone/882a100d67fffff',
      'campaign/spring=2Esale',
      'anon/s=2E1',
    ]);
  });

  it('accepts the good parts of a batch and lists the bad ones', async () => {
    const { ingress } = await start();
    const day = 86_400_000;
    const at = (ms: number): string => new Date(Date.now() + ms).toISOString();
    const bad: [object, string, string | null][] = [
      [event({ id: 'future', time: at(day) }), 'EVENT_IN_FUTURE', 'time'],
      [event({ id: 'past', time: '1970-01-01T00:00:00Z' }), 'EVENT_TOO_OLD', 'time'],
      [event({ id: 'when', time: 'yesterday' }), 'INVALID_REQUEST', 'time'],
      [event({ id: 'type', type: 'Not A Type' }), 'INVALID_REQUEST', 'type'],
      [event({ id: 'lat', data: { lat: 91 } }), 'INVALID_REQUEST', 'data.lat'],
      [event({ id: 'nan', data: { lat: 'NaN' } }), 'INVALID_REQUEST', 'data.lat'],
      [event({ id: 'who', subject: 'robot/1' }), 'SUBJECT_KIND_UNKNOWN', 'subject'],
      [event({ id: 'bare', subject: 'user' }), 'SUBJECT_KIND_UNKNOWN', 'subject'],
      [event({ id: 'cell', subject: 'zone/nowhere' }), 'ZONE_CELL_INVALID', 'subject'],
      [event({ id: 'long', subject: `user/${'x'.repeat(280)}` }), 'ID_TOO_LONG', 'subject'],
      [event({ id: 'empty', subject: 'campaign/' }), 'ID_EMPTY', 'subject'],
      [event({ id: 'reward', type: 'reward', data: { decisionId: 'nope' } }), 'DECISION_UNKNOWN', 'data.decisionId'],
      [event({ id: 'b64', data: undefined, data_base64: 'AA==' }), 'INVALID_REQUEST', 'data_base64'],
      [event({ id: 'big', data: { blob: 'x'.repeat(300_000) } }), 'EVENT_TOO_LARGE', 'data'],
      [{ ...event(), id: undefined }, 'INVALID_REQUEST', 'id'],
    ];
    const batch = [event({ id: 'first' }), ...bad.map(([one]) => one), 7, null, event({ id: 'last', time: at(0) })];
    const reply = await send(batch, { 'content-type': 'application/cloudevents-batch+json' });
    expect(reply.status).toBe(202);
    expect(reply.json.accepted.map((one: { id: string }) => one.id)).toEqual(['first', 'last']);
    expect(reply.json.rejected.slice(0, -2)).toEqual(
      bad.map(([one, code, field], i) => ({
        index: i + 1,
        id: (one as { id?: string }).id ?? null,
        code,
        message: expect.any(String),
        field,
      })),
    );
    expect(reply.json.rejected.slice(-2)).toMatchObject([
      { index: bad.length + 1, id: null, code: 'INVALID_REQUEST' },
      { index: bad.length + 2, id: null, code: 'INVALID_REQUEST' },
    ]);
    expect(ingress.published).toHaveLength(2);
  });

  it('answers 400 with the first problem when nothing was acceptable', async () => {
    const { ingress } = await start();
    const reply = await send(event({ subject: 'robot/1' }));
    expect(reply.status).toBe(400);
    expect(reply.json).toMatchObject({ code: 'SUBJECT_KIND_UNKNOWN', field: 'subject', accepted: [] });
    expect(reply.json.rejected).toHaveLength(1);
    expect(ingress.published).toEqual([]);
  });

  it('refuses data nested too deeply', async () => {
    await start();
    const depth = 200_000;
    const text = `{"specversion":"1.0","id":"d","source":"a","type":"t","subject":"user/1","data":{"x":${'['.repeat(depth)}${']'.repeat(depth)}}}`;
    const reply = await send(text);
    expect([reply.status, reply.json.code]).toEqual([400, 'JSON_TOO_DEEP']);
  });

  it('bounds a batch', async () => {
    const { ingress } = await start({ eventsPerBatchMax: 3 });
    const reply = await send([1, 2, 3, 4].map((n) => event({ id: `e${n}` })));
    expect([reply.status, reply.json.code]).toEqual([400, 'EVENTS_TOO_MANY']);
    expect(ingress.published).toEqual([]);
    expect((await send([])).json).toEqual({ accepted: [], rejected: [] });
  });

  it('says which events the journal refused, and asks for a retry when it took none', async () => {
    const { ingress } = await start();
    ingress.refusedAt = new Set([1]);
    const some = await send([event({ id: 'a' }), event({ id: 'b' }), event({ id: 'c' })]);
    expect(some.status).toBe(202);
    expect(some.json.accepted.map((one: { id: string }) => one.id)).toEqual(['a', 'c']);
    expect(some.json.rejected).toMatchObject([{ index: 1, id: 'b', code: 'JOURNAL_FULL' }]);
    ingress.refusal = { code: 'JOURNAL_FULL', message: 'no space' };
    const none = await send([event({ id: 'a' }), event({ subject: 'robot/1' })]);
    expect([none.status, none.json.code, none.headers.get('retry-after')]).toEqual([503, 'JOURNAL_FULL', '1']);
    ingress.refusal = { code: 'JOURNAL_OVERLOADED', message: 'too much' };
    expect(await send(event())).toMatchObject({ status: 429, json: { code: 'JOURNAL_OVERLOADED' } });
    ingress.isSilent = true;
    expect((await send(event())).json).toMatchObject({ code: 'JOURNAL_TIMEOUT', rejected: [{ id: 'e1' }] });
  });

  it('refuses a list where the media type says one event, and the reverse', async () => {
    await start();
    const list = await send([event()], { 'content-type': 'application/cloudevents+json; charset=utf-8' });
    const one = await send(event(), { 'content-type': 'application/cloudevents-batch+json' });
    expect([list.status, one.status]).toEqual([400, 400]);
  });
});

describe('decisions afterwards', () => {
  const id = 'abcdefgh1234.user.42';

  it('shows a decision from its actor, or else from the facts', async () => {
    const { actors, facts } = await start();
    actors.decisions.set(id, decisionBody(id, ['a', 'b']));
    expect((await call('GET', `/v1/decisions/${id}`)).json).toMatchObject({ id, slate: [{ id: 'a' }, { id: 'b' }] });
    const old = 'zzzzzzzz1234.user.a=2Eb';
    facts.set(old, decisionBody(old, ['c']));
    expect((await call('GET', `/v1/decisions/${old}`)).json).toMatchObject({ id: old });
    expect(actors.asked.at(-1)).toMatchObject({ kind: 'user', token: 'a=2Eb', verb: 'decision' });
    actors.failure = new EngineError('Dependency', 'OWNER_UNREACHABLE', 'out');
    expect((await call('GET', `/v1/decisions/${old}`)).status).toBe(200);
    expect((await call('GET', `/v1/decisions/${id}`)).json.code).toBe('OWNER_UNREACHABLE');
  });

  it('journals a reward once a key', async () => {
    const { actors, ingress } = await start();
    actors.decisions.set(id, decisionBody(id, ['a', 'b']));
    const reply = await call(
      'POST',
      `/v1/decisions/${id}/reward`,
      { value: 1, candidateId: 'b' },
      { 'idempotency-key': 'k1' },
    );
    expect(reply.status).toBe(202);
    expect(reply.json).toEqual({ id: 'k1', token: '1.1.abc' });
    expect(ingress.published[0]).toMatchObject({ kind: 'user', token: '42', type: 'reward' });
    expect(ingress.bodies()[0]).toMatchObject({
      id: 'k1',
      source: 'urn:attune:reward:abcdefgh1234',
      data: { decisionId: id, value: 1, candidateId: 'b' },
    });
  });

  it.each<[string, string, unknown, number, string, string | null]>([
    ['an unknown decision', 'abcdefgh9999.user.42', { value: 1 }, 404, 'DECISION_UNKNOWN', 'decisionId'],
    ['what is no decision id', 'nonsense', { value: 1 }, 404, 'DECISION_UNKNOWN', 'decisionId'],
    ['no value', id, {}, 400, 'INVALID_REQUEST', 'value'],
    ['an endless value', id, '{"value":1e999}', 400, 'INVALID_REQUEST', 'value'],
    ['another’s candidate', id, { value: 1, candidateId: 'z' }, 400, 'CANDIDATE_NOT_IN_SLATE', 'candidateId'],
  ])('refuses a reward for %s', async (_name, decisionId, body, status, code, field) => {
    const { actors, ingress } = await start();
    actors.decisions.set(id, decisionBody(id, ['a']));
    const reply = await call('POST', `/v1/decisions/${decisionId}/reward`, body);
    expect([reply.status, reply.json.code, reply.json.field]).toEqual([status, code, field]);
    expect(ingress.published).toEqual([]);
  });

  it('says that a reward was not journaled', async () => {
    const { actors, ingress } = await start();
    actors.decisions.set(id, decisionBody(id, ['a']));
    ingress.isSilent = true;
    const reply = await call('POST', `/v1/decisions/${id}/reward`, { value: 1 });
    expect([reply.status, reply.json.code, reply.headers.get('retry-after')]).toEqual([503, 'JOURNAL_TIMEOUT', '1']);
  });
});

describe('views, commands and operations', () => {
  it.each([
    ['/v1/users/a.b', 'user', 'a=2Eb'],
    ['/v1/users/x%2Fy', 'user', 'x=2Fy'],
    ['/v1/zones/882a100d67fffff', 'zone', '882a100d67fffff'],
    ['/v1/campaigns/spring', 'campaign', 'spring', 'books'],
    ['/v1/learners/pickup', 'learner', 'pickup'],
  ])('GET %s asks the actor', async (path, kind, token, verb = 'view') => {
    await start();
    const reply = await call('GET', path);
    expect([reply.status, reply.json]).toEqual([200, { kind, token, verb, body: {} }]);
  });

  it('lists what learners say of themselves, and counts it', async () => {
    const named = { id: 'pickup', kind: 'beta-thompson', surface: 'rider.pickup', policy: 'p' };
    const status = { ...blankStatus(named), mode: 'learning' as const, learned: 9, regretProxy: 0.5 };
    await start({}, { learners: { ids: ['pickup'], list: () => Promise.resolve([status]) } });
    expect((await call('GET', '/v1/learners')).json).toEqual({ learners: [status] });
    const { text } = await call('GET', '/metrics');
    expect(text).toContain('attune_learner_regret_proxy{learner="pickup",surface="rider.pickup",policy="p"} 0.5');
  });

  it('tells a learner that nobody has configured from one that does not answer', async () => {
    const { actors } = await start({}, { learners: { ids: ['pickup'], list: () => Promise.resolve([]) } });
    actors.failure = new EngineError('Dependency', 'OWNER_UNREACHABLE', 'out');
    const mistyped = await call('GET', '/v1/learners/pikup');
    expect([mistyped.status, mistyped.json.code, mistyped.json.field]).toEqual([404, 'LEARNER_UNKNOWN', 'id']);
    expect(mistyped.json.message).toContain('pickup');
    expect((await call('GET', '/v1/learners/pickup')).json.code).toBe('OWNER_UNREACHABLE');
  });

  it('lists no learners where it knows of none', async () => {
    await start();
    expect((await call('GET', '/v1/learners')).json).toEqual({ learners: [] });
  });

  it('lists the busiest zones', async () => {
    await start();
    const reply = await call('GET', '/v1/zones?limit=2');
    expect(reply.json.zones.map((zone: { pickups: number }) => zone.pickups)).toEqual([9, 5]);
    expect(reply.json.staleMs).toBe(12);
    expect((await call('GET', '/v1/zones?limit=0')).json).toMatchObject({ code: 'INVALID_REQUEST', field: 'limit' });
  });

  it('passes campaign commands on with who and why', async () => {
    await start();
    const command = { name: 'pause', why: 'weather', commandId: 'c1' };
    const reply = await call('POST', '/v1/campaigns/spring/commands', command);
    expect(reply.status).toBe(200);
    expect(reply.json).toMatchObject({ verb: 'command', body: { ...command, by: 'anonymous' } });
    const bad = await call('POST', '/v1/campaigns/spring/commands', { name: 'pause' });
    expect([bad.status, bad.json.field]).toEqual([400, 'why']);
  });

  it('lists and redrives dead letters', async () => {
    const { deadLetters } = await start();
    deadLetters.push({ partition: 3, sequence: 9, subject: 's', reason: 'r', payload: '', truncated: false, atMs: 1 });
    expect((await call('GET', '/v1/deadletters?partition=3')).json.deadLetters).toHaveLength(1);
    expect((await call('GET', '/v1/deadletters?partition=4')).json.deadLetters).toHaveLength(0);
    expect(await call('POST', '/v1/deadletters/3/9/redrive')).toMatchObject({
      status: 202,
      json: { token: '1.z.abc', outcome: 'rejected', reason: 'REDRIVE_UNREADABLE: it is no JSON' },
    });
    expect(await call('POST', '/v1/deadletters/3/8/redrive')).toMatchObject({ status: 404 });
    expect(await call('POST', '/v1/deadletters/x/8/redrive')).toMatchObject({
      status: 400,
      json: { field: 'partition' },
    });
  });

  it('is live always, and ready when nothing stands against it', async () => {
    const { reasons } = await start();
    expect((await call('GET', '/health/live')).status).toBe(200);
    expect((await call('GET', '/health/ready')).json).toEqual({ ready: true, reasons: [] });
    reasons.push('partition 3 has no owner');
    const reply = await call('GET', '/health/ready');
    expect([reply.status, reply.json]).toEqual([503, { ready: false, reasons: ['partition 3 has no owner'] }]);
    expect((await call('GET', '/v1/status')).json).toMatchObject({ ready: false, hosts: [{ host: 'h1' }] });
  });

  it('counts in Prometheus’ format', async () => {
    const { actors } = await start();
    await decide();
    actors.failure = new EngineError('Dependency', 'OWNER_UNREACHABLE', 'out');
    await decide();
    await send([event(), event({ subject: 'robot/1' })]);
    const { text } = await call('GET', '/metrics');
    expect(text).toContain('attune_decisions_total{surface="rider.pickup",degraded="none"} 1');
    expect(text).toContain('attune_decisions_total{surface="rider.pickup",degraded="owner"} 1');
    expect(text).toContain('attune_decision_latency_seconds_count 2');
    expect(text).toContain('attune_events_accepted_total 1');
    expect(text).toContain('attune_events_rejected_total{code="SUBJECT_KIND_UNKNOWN"} 1');
    expect(text).toContain('attune_queue_depth{queue="mailboxes"} 7');
    expect(text).toContain('nodejs_eventloop_lag_p99_seconds');
  });

  it('counts what could not be read, by what it was', async () => {
    await start({}, { unreadable: { counts: () => ({ 'zone-broadcast': 3, 'dead-letter': 1 }) } });
    const { text } = await call('GET', '/metrics');
    expect(text).toContain('attune_unreadable_total{source="zone-broadcast"} 3');
    expect(text).toContain('attune_unreadable_total{source="dead-letter"} 1');
  });

  it('rolls a policy back, with who and why, and refuses what names no version', async () => {
    const { rollbacks } = await start();
    const path = '/v1/policies/pickup%2Fa/rollback';
    expect(await call('POST', path, { why: 'worse' })).toMatchObject({
      status: 200,
      json: { policy: 'pickup/a', version: 8, from: 7, to: 6, why: 'worse' },
    });
    expect(await call('POST', path, { why: 'worse', to: 4 })).toMatchObject({ status: 200, json: { to: 4 } });
    expect(await call('POST', path, { why: 'mended', release: true })).toMatchObject({ json: { held: false } });
    for (const [body, field] of [
      [{}, 'why'],
      [{ why: '' }, 'why'],
      [{ why: 'w', to: -1 }, 'to'],
      [{ why: 'w', to: '4' }, 'to'],
      [{ why: 'w', by: 'me' }, 'by'],
      [{ why: 'w', release: 'yes' }, 'release'],
    ] as const)
      expect(await call('POST', path, body)).toMatchObject({ status: 400, json: { field } });
    expect(await call('POST', '/v1/policies/unknown/rollback', { why: 'w' })).toMatchObject({
      status: 404,
      json: { code: 'POLICY_UNKNOWN' },
    });
    expect(rollbacks).toMatchObject([
      ['pickup/a', { why: 'worse', to: undefined, by: expect.any(String) }],
      ['pickup/a', { why: 'worse', to: 4 }],
      ['pickup/a', { why: 'mended', release: true }],
    ]);
  });

  it('describes every route at /docs', async () => {
    await start();
    expect((await call('GET', '/docs')).text).toContain('swagger-ui');
    const { json } = await call('GET', '/docs-json');
    expect(Object.keys(json.paths).sort()).toEqual([
      '/health/live',
      '/health/ready',
      '/metrics',
      '/v1/campaigns/{id}',
      '/v1/campaigns/{id}/commands',
      '/v1/deadletters',
      '/v1/deadletters/{partition}/{sequence}/redrive',
      '/v1/decisions',
      '/v1/decisions/{id}',
      '/v1/decisions/{id}/reward',
      '/v1/events',
      '/v1/learners',
      '/v1/learners/{id}',
      '/v1/policies/{id}/rollback',
      '/v1/status',
      '/v1/users/{id}',
      '/v1/zones',
      '/v1/zones/{cell}',
    ]);
    const schema = json.paths['/v1/decisions'].post.requestBody.content['application/json'].schema;
    expect(schema.required).toEqual(expect.arrayContaining(['surface', 'subject']));
  });
});

describe('keys and limits', () => {
  const sha256 = createHash('sha256').update('open sesame').digest('hex');
  const apiKeys = [{ name: 'rider-app', sha256, scopes: ['decide', 'campaigns'] as const }];

  it('lets in who has a key, by either header', async () => {
    await start({ apiKeys });
    expect(await decide()).toMatchObject({ status: 401, json: { code: 'API_KEY_MISSING' } });
    expect(await decide({}, { 'x-api-key': 'guess' })).toMatchObject({
      status: 401,
      json: { code: 'API_KEY_INVALID' },
    });
    expect((await decide({}, { 'x-api-key': 'open sesame' })).status).toBe(200);
    expect((await decide({}, { authorization: 'Bearer open sesame' })).status).toBe(401);
    expect((await call('GET', '/v1/users/1')).status).toBe(401);
    expect((await call('GET', '/metrics')).status).toBe(401);
    expect((await call('GET', '/health/live')).status).toBe(200);
    const command = { name: 'pause', why: 'w' };
    const reply = await call('POST', '/v1/campaigns/s/commands', command, { 'x-api-key': 'open sesame' });
    expect(reply.json.body.by).toBe('rider-app');
  });

  it('limits each caller', async () => {
    await start({ rateLimit: { perKey: 2 } });
    const statuses = (await Promise.all([decide(), decide(), decide(), decide(), decide(), decide()])).map(
      (r) => r.status,
    );
    // A second may turn over once in between.
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(2);
    expect(statuses).toContain(200);
    expect((await call('GET', '/health/live')).status).toBe(200);
  });

  it('limits each user, in decisions and in events', async () => {
    const { ingress } = await start({ rateLimit: { perUser: 3 } });
    const batch = Array.from({ length: 10 }, (_, i) => event({ id: `e${i}` }));
    const reply = await send([...batch, event({ id: 'other', subject: 'user/43' })]);
    expect(reply.status).toBe(202);
    expect(reply.json.accepted.at(-1)).toMatchObject({ id: 'other' });
    expect(reply.json.rejected.length).toBeGreaterThanOrEqual(4);
    for (const one of reply.json.rejected) expect(one.code).toBe('RATE_LIMITED');
    expect(ingress.published).toHaveLength(reply.json.accepted.length);
    const decisions = await Promise.all(batch.map(() => decide({ subject: { kind: 'rider', id: '7' } })));
    const limited = decisions.filter((r) => r.status === 429);
    expect(limited.length).toBeGreaterThanOrEqual(4);
    expect(limited[0]).toMatchObject({ json: { code: 'RATE_LIMITED' } });
    expect(limited[0]!.headers.get('retry-after')).toBe('1');
  });
});
