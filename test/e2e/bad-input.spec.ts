/** Bad input over REST, against a whole engine: a stable code, the field's name, and nothing half-applied. */
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { endEngineProcesses, startEngineProcess, type EngineProcess } from '../support/engine-process.js';
import { eventually } from '../support/eventually.js';
import { readJournals } from '../support/journal-truth.js';
import { startTestNats, type TestNats } from '../support/nats.js';
import { cloudEvent, consent, get, pickup, post, rest } from '../support/rest.js';

const PARTITIONS = 2;
const SETTINGS = { 'cluster.partitions': PARTITIONS, 'cluster.leaseTtlMs': 1500, 'limits.bodyBytesMax': 1024 * 1024 };

let nats: TestNats;
let engine: EngineProcess;

beforeAll(async () => {
  nats = await startTestNats({ partitions: PARTITIONS });
  engine = await startEngineProcess({ nats: nats.engine, settings: SETTINGS });
  await consent(engine.url, '42');
  // Until then nobody can say of a decision that it never was.
  await eventually('the facts can be asked', async () => {
    const [host] = (await get(engine.url, '/v1/status')).body.hosts;
    return host.facts?.state === 'sinking';
  });
});

afterAll(async () => {
  await endEngineProcesses();
  await nats.dispose();
});

type Row = readonly [what: string, path: string, body: unknown, status: number, code: string, field: string | null];

const DECISIONS = '/v1/decisions';
const EVENTS = '/v1/events';
const COMMANDS = '/v1/campaigns/c/commands';
const trip = (more: Record<string, unknown>) => ({
  ...cloudEvent({ id: 'x', type: 'trip.completed', subject: 'user/42' }),
  ...more,
});
const candidate = (more: Record<string, unknown>) => pickup('42', { candidates: [{ id: 'a', features: {}, ...more }] });
const define = (more: Record<string, unknown>) => ({
  name: 'define',
  why: 'test',
  payload: {
    name: 'c',
    surface: 'promo.discount',
    budgetCents: 100,
    offerValidMs: 60_000,
    offers: [{ id: 'o', costCents: 1 }],
    ...more,
  },
});
const fromNow = (ms: number): string => new Date(Date.now() + ms).toISOString();
const DAY_MS = 86_400_000;

const rows: Row[] = [
  ['an unknown surface', DECISIONS, pickup('42', { surface: 'rider.moon' }), 400, 'UNKNOWN_SURFACE', 'surface'],
  ['a campaign for no surface', COMMANDS, define({ surface: 'promo.moon' }), 400, 'UNKNOWN_SURFACE', 'payload.surface'],
  ['malformed JSON', DECISIONS, '{"surface": "rider.pickup",', 400, 'JSON_MALFORMED', null],
  ['NaN', DECISIONS, '{"surface": NaN}', 400, 'JSON_MALFORMED', null],
  ['no body', DECISIONS, '', 400, 'BODY_EMPTY', null],
  ['a list for an object', DECISIONS, [], 400, 'INVALID_REQUEST', null],
  ['null', DECISIONS, 'null', 400, 'INVALID_REQUEST', null],
  ['no surface', DECISIONS, pickup('42', { surface: undefined }), 400, 'INVALID_REQUEST', 'surface'],
  ['no subject', DECISIONS, pickup('42', { subject: undefined }), 400, 'INVALID_REQUEST', 'subject'],
  [
    'a subject of no kind',
    DECISIONS,
    pickup('42', { subject: { kind: 'cat', id: '42' } }),
    400,
    'INVALID_REQUEST',
    'subject.kind',
  ],
  [
    'a subject the surface is not for',
    DECISIONS,
    pickup('42', { subject: { kind: 'driver', id: '42' } }),
    400,
    'INVALID_REQUEST',
    'subject.kind',
  ],
  ['an empty id', DECISIONS, pickup(''), 400, 'ID_EMPTY', 'subject.id'],
  ['an id of 10 KB', DECISIONS, pickup('x'.repeat(10_240)), 400, 'ID_TOO_LONG', 'subject.id'],
  [
    'an id that is no text',
    DECISIONS,
    '{"surface":"rider.pickup","subject":{"kind":"rider","id":"\\ud800"},"candidates":[{"id":"a"}]}',
    400,
    'ID_NOT_TEXT',
    'subject.id',
  ],
  [
    'an id of the wrong type',
    DECISIONS,
    pickup('42', { subject: { kind: 'rider', id: 42 } }),
    400,
    'INVALID_REQUEST',
    'subject.id',
  ],
  ['an extra field', DECISIONS, pickup('42', { colour: 'red' }), 400, 'INVALID_REQUEST', 'colour'],
  [
    'an extra field of a candidate',
    DECISIONS,
    candidate({ colour: 'red' }),
    400,
    'INVALID_REQUEST',
    'candidates[0].colour',
  ],
  [
    'a feature of the wrong type',
    DECISIONS,
    candidate({ features: { distanceM: 'far' } }),
    400,
    'INVALID_REQUEST',
    'candidates[0].features.distanceM',
  ],
  [
    'a number beyond all numbers',
    DECISIONS,
    JSON.stringify(candidate({ features: { distanceM: 0 } })).replace(':0}', ':1e999}'),
    400,
    'INVALID_REQUEST',
    'candidates[0].features.distanceM',
  ],
  [
    '10,000 candidates',
    DECISIONS,
    pickup('42', { candidates: Array.from({ length: 10_000 }, (_, i) => ({ id: `c${i}` })) }),
    400,
    'CANDIDATES_TOO_MANY',
    'candidates',
  ],
  [
    'a candidate twice',
    DECISIONS,
    pickup('42', { candidates: [{ id: 'a' }, { id: 'b' }, { id: 'a' }] }),
    400,
    'CANDIDATE_DUPLICATE',
    'candidates[2].id',
  ],
  ['no candidates', DECISIONS, pickup('42', { candidates: undefined }), 400, 'INVALID_REQUEST', 'candidates'],
  ['a slate too long', DECISIONS, pickup('42', { k: 11 }), 400, 'INVALID_REQUEST', 'k'],
  ['half an item', DECISIONS, pickup('42', { k: 1.5 }), 400, 'INVALID_REQUEST', 'k'],
  ['a token that is none', DECISIONS, pickup('42', { after: 'yesterday' }), 400, 'TOKEN_INVALID', 'after'],
  ['a negative deadline', DECISIONS, pickup('42', { deadlineMs: -1 }), 400, 'INVALID_REQUEST', 'deadlineMs'],
  [
    'a body of 2 MB',
    DECISIONS,
    pickup('42', { context: { note: 'x'.repeat(2 * 1024 * 1024) } }),
    413,
    'BODY_TOO_LARGE',
    null,
  ],

  ['an event without a subject', EVENTS, trip({ subject: undefined }), 400, 'INVALID_REQUEST', 'subject'],
  ['an event for nobody we know', EVENTS, trip({ subject: 'planet/mars' }), 400, 'SUBJECT_KIND_UNKNOWN', 'subject'],
  [
    'an event for an id of 300 bytes',
    EVENTS,
    trip({ subject: `user/${'é'.repeat(140)}` }),
    400,
    'ID_TOO_LONG',
    'subject',
  ],
  ['an event of no type', EVENTS, trip({ type: 'Trip Completed!' }), 400, 'INVALID_REQUEST', 'type'],
  ['an event of another specification', EVENTS, trip({ specversion: '2.0' }), 400, 'INVALID_REQUEST', 'specversion'],
  ['an event from the future', EVENTS, trip({ time: fromNow(DAY_MS) }), 400, 'EVENT_IN_FUTURE', 'time'],
  ['an event from the distant past', EVENTS, trip({ time: fromNow(-30 * DAY_MS) }), 400, 'EVENT_TOO_OLD', 'time'],
  ['a time that is none', EVENTS, trip({ time: 'noon' }), 400, 'INVALID_REQUEST', 'time'],
  ['a place off the globe', EVENTS, trip({ data: { lat: 91, lng: 0 } }), 400, 'INVALID_REQUEST', 'data.lat'],
  ['a place in words', EVENTS, trip({ data: { lat: 40, lng: 'west' } }), 400, 'INVALID_REQUEST', 'data.lng'],
  ['an event of 300 KB', EVENTS, trip({ data: { note: 'x'.repeat(300 * 1024) } }), 400, 'EVENT_TOO_LARGE', 'data'],
  ['a zone that is no cell', EVENTS, trip({ subject: 'zone/downtown' }), 400, 'ZONE_CELL_INVALID', 'subject'],
  [
    'a reward for an unknown decision',
    '/v1/decisions/0123456789abcdef.user.42/reward',
    { value: 1 },
    404,
    'DECISION_UNKNOWN',
    'decisionId',
  ],
  ['a reward for no decision', '/v1/decisions/nothing/reward', { value: 1 }, 404, 'DECISION_UNKNOWN', 'decisionId'],
  [
    'a reward that is no number',
    '/v1/decisions/0123456789abcdef.user.42/reward',
    { value: 'much' },
    400,
    'INVALID_REQUEST',
    'value',
  ],

  ['a command that is none', COMMANDS, { name: 'explode', why: 'test' }, 400, 'INVALID_REQUEST', 'name'],
  ['a command without a reason', COMMANDS, { name: 'launch' }, 400, 'INVALID_REQUEST', 'why'],
  ['a budget below zero', COMMANDS, define({ budgetCents: -1 }), 400, 'COMMAND_INVALID', 'payload.budgetCents'],
  ['half a cent', COMMANDS, define({ budgetCents: 0.5 }), 400, 'COMMAND_INVALID', 'payload.budgetCents'],
  ['a campaign without offers', COMMANDS, define({ offers: [] }), 400, 'COMMAND_INVALID', 'payload.offers'],
  ['a launch of nothing', COMMANDS, { name: 'launch', why: 'test' }, 409, 'CAMPAIGN_STATE', null],
  ['nowhere', '/v1/nowhere', {}, 404, 'ROUTE_UNKNOWN', null],
];

const tails = async (): Promise<readonly number[]> => (await readJournals(nats.engine, PARTITIONS)).tails;

test.each(rows)('%s', async (_, path, body, status, code, field) => {
  const before = await tails();
  const answer = await post(engine.url, path, body);
  expect({ status: answer.status, ...answer.body }).toMatchObject({ status, code, field });
  expect(answer.body.message).toEqual(expect.any(String));
  expect(answer.body.traceId).toBe(answer.headers.get('x-trace-id'));
  expect(JSON.stringify(answer.body)).not.toMatch(/\.js:|\.ts:|node_modules| {4}at /);
  // Refused as a whole: nothing of it stands in any journal.
  expect(await tails()).toEqual(before);
});

test.each([
  [
    'gzip that ends early',
    gzipSync(JSON.stringify(trip({}))).subarray(0, 30),
    { 'content-encoding': 'gzip' },
    400,
    'BODY_TRUNCATED',
  ],
  ['what is no gzip', Buffer.from('{}'), { 'content-encoding': 'gzip' }, 400, 'BODY_MALFORMED'],
  [
    'gzip that unpacks to too much',
    gzipSync(Buffer.from(randomBytes(2 * 1024 * 1024).map((byte) => 0x30 + (byte & 1)))),
    { 'content-encoding': 'gzip' },
    400,
    'BODY_TOO_LARGE',
  ],
  [
    'gzip that unpacks too far',
    gzipSync(Buffer.alloc(8 * 1024 * 1024, ' ')),
    { 'content-encoding': 'gzip' },
    400,
    'BODY_UNPACKS_TOO_FAR',
  ],
  ['another encoding', Buffer.from('{}'), { 'content-encoding': 'br' }, 415, 'ENCODING_UNSUPPORTED'],
  ['another media type', Buffer.from('<xml/>'), { 'content-type': 'text/xml' }, 415, 'MEDIA_TYPE_UNSUPPORTED'],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), {}, 400, 'BODY_MALFORMED'],
])('a body of %s', async (_, body, headers, status, code) => {
  const before = await tails();
  const answer = await rest(engine.url, 'POST', EVENTS, body, headers as Record<string, string>);
  expect({ status: answer.status === 413 ? 400 : answer.status, code: answer.body.code }).toEqual({ status, code });
  expect(await tails()).toEqual(before);
});

test('a batch takes its good parts, in order, and lists the bad ones', async () => {
  const batch = [
    trip({ id: 'good-1' }),
    trip({ id: 'bad-type', type: 'NOT A TYPE' }),
    'not even an object',
    trip({ id: 'good-2', subject: 'user/a.b *>🛺' }),
    trip({ id: 'bad-place', data: { lat: 1000, lng: 0 } }),
    trip({ id: 'good-3' }),
    // The first of them counts, however often it is sent.
    trip({ id: 'good-1' }),
  ];
  const { status, body } = await post(engine.url, EVENTS, batch);
  expect(status).toBe(202);
  expect(body.accepted.map(({ id }: { id: string }) => id)).toEqual(['good-1', 'good-2', 'good-3', 'good-1']);
  expect(body.rejected).toEqual([
    { index: 1, id: 'bad-type', code: 'INVALID_REQUEST', message: expect.any(String), field: 'type' },
    { index: 2, id: null, code: 'INVALID_REQUEST', message: expect.any(String), field: null },
    { index: 4, id: 'bad-place', code: 'INVALID_REQUEST', message: expect.any(String), field: 'data.lat' },
  ]);
  const token = body.accepted[3].token as string;
  const decided = await post(engine.url, DECISIONS, pickup('42', { after: token, deadlineMs: 10_000 }));
  expect(decided.body.degraded).toEqual([]);
  expect((await get(engine.url, '/v1/users/42')).body.counters).toMatchObject({ trips: 2 });
});

test('the same requestId with another body is a conflict, and the same idempotency key counts once', async () => {
  const request = pickup('42', { requestId: 'once' });
  const first = await post(engine.url, DECISIONS, request);
  expect((await post(engine.url, DECISIONS, request)).body.decisionId).toBe(first.body.decisionId);
  const other = await post(engine.url, DECISIONS, { ...request, k: 1 });
  expect(other).toMatchObject({ status: 409, body: { code: 'REQUEST_ID_CONFLICT', field: 'requestId' } });

  const path = `/v1/decisions/${first.body.decisionId}/reward`;
  const wrong = await post(engine.url, path, { value: 1, candidateId: 'door-z' });
  expect(wrong).toMatchObject({ status: 400, body: { code: 'CANDIDATE_NOT_IN_SLATE', field: 'candidateId' } });
  const before = (await get(engine.url, '/v1/users/42')).body.counters.events as number;
  let token = '';
  for (let i = 0; i < 3; i++) {
    const { status, body } = await post(engine.url, path, { value: 1 }, { 'idempotency-key': 'key' });
    expect(status).toBe(202);
    token = body.token as string;
  }
  await post(engine.url, DECISIONS, pickup('42', { after: token, deadlineMs: 10_000 }));
  expect((await get(engine.url, '/v1/users/42')).body.counters.events).toBe(before + 1);
});
