import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { EngineError } from '../errors.js';
import { loadConfig } from './load.js';

const folder = mkdtempSync(join(tmpdir(), 'attune-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

const fold = { schema: z.strictObject({ timeZone: z.string() }), defaults: { timeZone: 'UTC' } };

let files = 0;
function yaml(text: string): string {
  const file = join(folder, `${(files += 1)}.yaml`);
  writeFileSync(file, text);
  return file;
}

const load = (texts: string[], env: NodeJS.ProcessEnv = {}) => loadConfig({ files: texts.map(yaml), env, fold });

function failure(texts: string[], env: NodeJS.ProcessEnv = {}): EngineError {
  try {
    load(texts, env);
  } catch (error) {
    return error as EngineError;
  }
  throw new Error('the configuration was accepted');
}

const keyOf = (name: string, digit: string, scopes = ', scopes: [decide]'): string =>
  `{ name: ${name}, sha256: '${digit.repeat(64)}'${scopes} }`;
const keys = (...all: string[]): string => `auth: { apiKeys: [${all.join()}] }`;
const A_KEY = keys(keyOf('app', 'a'));

describe('loadConfig', () => {
  test('has a value for everything without files and environment', () => {
    expect(load([])).toMatchObject({ role: 'all', http: { host: '127.0.0.1', port: 8080 }, fold: { timeZone: 'UTC' } });
  });

  test('lays later files over earlier ones, ATTUNE_CONFIG over those, and variables over all', () => {
    const extra = yaml('limits: { mailboxMax: 3, activationsMax: 3 }');
    const config = load(
      ['limits: { mailboxMax: 1, activationsMax: 1, bodyBytesMax: 2000 }', 'limits: { mailboxMax: 2 }'],
      { ATTUNE_CONFIG: extra, ATTUNE__limits__mailboxMax: '4' },
    );
    expect(config.limits).toMatchObject({ mailboxMax: 4, activationsMax: 3, bodyBytesMax: 2000 });
  });

  test('reads the variables that have names of their own', () => {
    const config = load([], {
      ATTUNE_ROLE: 'host',
      ATTUNE_NATS_URL: 'nats://a:4222, nats://b:4222',
      ATTUNE_NATS_USER: 'engine',
      ATTUNE_NATS_PASSWORD: '0123',
      DATABASE_URL: 'postgresql://u:p@h/d',
      ATTUNE_HTTP_PORT: '0',
      ATTUNE_STATE_DIR: '/x',
      ATTUNE_LOG_LEVEL: 'warn',
    });
    expect(config).toMatchObject({
      role: 'host',
      nats: { user: 'engine', password: '0123' },
      http: { port: 0 },
      stateDir: '/x',
      log: { level: 'warn' },
    });
  });

  test('finds the spelling of generic variables and reads their values as YAML', () => {
    const config = load([], {
      ATTUNE__RATELIMIT__PERKEY: '7',
      ATTUNE__fold__TIMEZONE: 'Europe/Berlin',
      ATTUNE__learners: '[{ id: l, kind: k, surface: s, policy: p }]',
    });
    expect(config.rateLimit.perKey).toBe(7);
    expect(config.fold.timeZone).toBe('Europe/Berlin');
    expect(config.learners).toEqual([{ id: 'l', kind: 'k', surface: 's', policy: 'p' }]);
  });

  test("treats empty variables as unset and leaves other programs' alone", () => {
    expect(load([], { ATTUNE_ROLE: '', PATH: '/bin', ATTUNELY: '1' }).role).toBe('all');
  });

  test('reports every problem at once, with field, value and rule', () => {
    const error = failure(['role: boss\nlimits: { mailboxMax: 0, mailbox: 1 }\nnonsense: 1\nhttp: { port: "80" }'], {
      ATTUNE_COLOR: 'red',
    });
    expect(error).toMatchObject({ family: 'Configuration', code: 'CONFIG_INVALID' });
    const lines = error.message.split('\n').slice(1);
    expect(lines).toHaveLength(6);
    expect(error.message).toMatch(/role = "boss": .*"all"/);
    expect(error.message).toMatch(/limits\.mailboxMax = 0: .*>=1/);
    expect(error.message).toMatch(/limits\.mailbox: is not a known field/);
    expect(error.message).toMatch(/nonsense: is not a known field/);
    expect(error.message).toMatch(/http\.port = "80": .*expected number/);
    expect(error.message).toMatch(/ATTUNE_COLOR: is not a known variable/);
  });

  test.each([
    ['a password in a URL', [], { DATABASE_URL: 'mysql://u:hush@h/d' }],
    ['a URL without its scheme', [], { DATABASE_URL: 'u:hush@h/d' }],
    ['a URL password with @ and /', [], { ATTUNE_NATS_URL: 'http://u:hu/s@hush@h' }],
    ['a password of the wrong type', ['nats: { user: u, password: [hush] }'], {}],
    ['a password without a user', ['nats: { password: hush }'], {}],
    ['a hash that is none', ['auth: { apiKeys: [{ name: a, sha256: hush, scopes: [read] }] }'], {}],
  ])('does not show %s', (_, texts, env) => {
    expect(failure(texts, env).message).not.toContain('hush');
  });

  test.each([
    [['role: gateway'], 'nats.url'],
    [['http: { host: 0.0.0.0 }'], 'auth.apiKeys'],
    [['nats: { user: a }'], 'nats.password'],
    [[keys(keyOf('app', 'a'), keyOf('app', 'b'))], 'auth.apiKeys[1].name'],
    [[keys(keyOf('app', 'a'), keyOf('other', 'a'))], 'auth.apiKeys[1].sha256'],
    [[keys(keyOf('app', 'a', ''))], 'auth.apiKeys[0].scopes'],
    [[keys(keyOf('app', 'a', ', scopes: []'))], 'auth.apiKeys[0].scopes'],
    [[keys(keyOf('app', 'a'), keyOf('b', 'b', ', scopes: [decide, everything]'))], 'auth.apiKeys[1].scopes[1]'],
    [['http: { allowedHosts: ["https://a"] }'], 'http.allowedHosts[0]'],
    [
      ['learners: [{ id: a, kind: k, surface: s, policy: p }, { id: a, kind: k, surface: s, policy: p }]'],
      'learners[1].id',
    ],
  ])('refuses %j by %s', (texts, field) => {
    expect(failure(texts).field).toBe(field);
  });

  test('accepts a public address with a key', () => {
    expect(load(['http: { host: 0.0.0.0 }', A_KEY]).http.host).toBe('0.0.0.0');
  });

  test('names the file that is missing, malformed or no map', () => {
    const list = yaml('[1]');
    const broken = yaml('a: [1');
    const missing = join(folder, 'absent.yaml');
    const error = failure([], { ATTUNE_CONFIG: `${list},${broken},${missing}` });
    for (const file of [list, broken, `${missing}: cannot be read: ENOENT`]) expect(error.message).toContain(file);
  });

  test('freezes deeply', () => {
    const config = load([A_KEY]) as unknown as { auth: { apiKeys: { name: string }[] } };
    expect(() => (config.auth.apiKeys[0]!.name = 'other')).toThrow(TypeError);
  });

  test('is not polluted by keys like __proto__', () => {
    expect(failure(['{ "__proto__": { "polluted": 1 } }']).code).toBe('CONFIG_INVALID');
    expect(failure([], { ATTUNE____proto____polluted: '1' }).code).toBe('CONFIG_INVALID');
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test('holds hungAfterMs to half of a lease’s life, and says so beside everything else', () => {
    expect(load(['cluster: { leaseTtlMs: 4000, hungAfterMs: 2000 }']).cluster.hungAfterMs).toBe(2000);
    const { code, message } = failure(['cluster: { leaseTtlMs: 4000, hungAfterMs: 2001, replicas: 3 }']);
    expect(code).toBe('CONFIG_INVALID');
    expect(message).toMatch(/cluster\.hungAfterMs = 2001: must be at most half of cluster\.leaseTtlMs \(4000\)/);
    expect(message).toMatch(/cluster\.replicas/);
    for (const hungAfterMs of ['99', '1.5', '"2000"', 'null', '-1', '[]']) {
      expect(failure([`cluster: { hungAfterMs: ${hungAfterMs} }`]).message).toMatch(/cluster\.hungAfterMs/);
    }
  });
});
