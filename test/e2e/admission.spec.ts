/** The whole engine, as its configuration says who may come in. */
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { endEngineProcesses, startEngineProcess, type EngineProcess } from '../support/engine-process.js';
import { startTestNats, type TestNats } from '../support/nats.js';

const keyed = (name: string, scopes: readonly string[]) => ({
  name,
  scopes,
  sha256: createHash('sha256').update(name).digest('hex'),
});

let nats: TestNats;
let engine: EngineProcess;

beforeAll(async () => {
  nats = await startTestNats({ partitions: 1 });
  engine = await startEngineProcess({
    nats: nats.engine,
    databaseUrl: 'postgresql://nobody@127.0.0.1:1/none',
    settings: {
      'cluster.partitions': 1,
      'cluster.leaseTtlMs': 1500,
      'http.docs': false,
      'http.allowedHosts': ['proxy.example'],
      'auth.apiKeys': [keyed('reader', ['read']), keyed('decider', ['decide'])],
    },
  });
});

afterAll(async () => {
  await endEngineProcesses();
  await nats.dispose();
});

interface Answer {
  readonly status: number | undefined;
  readonly code: unknown;
}

function ask(path: string, headers: Record<string, string>, method = 'GET', body?: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, engine.url), { method, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => {
        const json = text.startsWith('{') ? (JSON.parse(text) as { code?: unknown }) : {};
        resolve({ status: answer.statusCode, code: json.code });
      });
    });
    sent.on('error', reject).end(body);
  });
}

test('it answers to loopback and to the hosts that are configured', async () => {
  const key = { 'x-api-key': 'reader' };
  expect((await ask('/v1/users/1', key)).status).toBe(200);
  expect((await ask('/v1/users/1', { ...key, host: 'proxy.example' })).status).toBe(200);
  expect(await ask('/v1/users/1', { ...key, host: 'evil.example' })).toEqual({ status: 403, code: 'HOST_FORBIDDEN' });
  const page = { ...key, origin: 'https://evil.example' };
  expect(await ask('/v1/users/1', page)).toEqual({ status: 403, code: 'ORIGIN_FORBIDDEN' });
});

test('a key does what its scopes say, and looks at persons are in the audit log', async () => {
  expect(await ask('/v1/users/2', { 'x-api-key': 'decider' })).toEqual({ status: 403, code: 'SCOPE_MISSING' });
  expect((await ask('/v1/users/2', { 'x-api-key': 'reader' })).status).toBe(200);
  const audited = () =>
    engine.log.filter(({ audit, target }) => audit === true && (target as { id?: string }).id === '2');
  while (audited().length < 2) await new Promise((resolve) => setImmediate(resolve));
  expect(audited().map(({ by, status }) => [by, status])).toEqual([
    ['decider', 403],
    ['reader', 200],
  ]);
});

test('there is no documentation where it is switched off', async () => {
  for (const path of ['/docs', '/docs-json', '/docs/swagger-ui-init.js'])
    expect(await ask(path, { 'x-api-key': 'reader' })).toEqual({ status: 404, code: 'ROUTE_UNKNOWN' });
});

test('bombs without a key cost nothing: partitions stay where they are', async () => {
  const bomb = gzipSync('['.repeat(1_000_000) + ']'.repeat(1_000_000));
  const headers = {
    'content-type': 'application/json',
    'content-encoding': 'gzip',
    'content-length': `${bomb.length}`,
  };
  const answers = await Promise.all(
    Array.from({ length: 24 }, (_, i) => ask(i % 2 === 0 ? '/docs' : '/health/x', headers, 'POST', bomb)),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
  const decided = await ask('/v1/decisions', { ...headers, 'x-api-key': 'decider' }, 'POST', bomb);
  expect(decided).toEqual({ status: 413, code: 'BODY_UNPACKS_TOO_FAR' });
  const { hosts } = (await (await fetch(`${engine.url}/v1/status`, { headers: { 'x-api-key': 'reader' } })).json()) as {
    hosts: { partitions: { phase: string; epoch: number }[] }[];
  };
  expect(hosts[0]!.partitions).toMatchObject([{ phase: 'serving' }]);
  expect(engine.log.filter(({ level }) => level === 'error')).toEqual([]);
});
