import { describe, expect, it } from '@jest/globals';
import { decodeEvent } from './event-codec.js';

const ZONE = '882a100d69fffff';
const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const event = (over: object = {}) => ({ specversion: '1.0', id: 'e1', source: 'app', type: 'click', ...over });
const decode = (over: object, kind = 'user', token = '42', type = 'click') =>
  decodeEvent(kind, token, type, bytes(event(over)));

describe('decodeEvent', () => {
  it('takes attributes of null for unset', () => {
    const decoded = decode({ time: null, subject: null, data: null, id: null, source: null, type: null });
    expect(decoded).toMatchObject({ id: '', source: 'nats', timeMs: undefined, data: {} });
    expect(decode({ data_base64: null })).toMatchObject({ data: {} });
  });

  it('takes bare data for what it is', () => {
    expect(decodeEvent('user', '42', 'click', bytes({ value: 3 }))).toMatchObject({ data: { value: 3 } });
    expect(decodeEvent('user', '42', 'consent.granted', bytes({ purposes: ['marketing'] }))).toMatchObject({
      data: { purposes: ['marketing'] },
    });
  });

  it.each([null, '2.0', '1', '', 1, 1.0, [], {}])('refuses the specversion %j', (specversion) => {
    expect(decode({ specversion })).toMatch(/^EVENT_MALFORMED: specversion/);
  });

  it.each(['click', 'consent.granted', 'consent.withdrawn'])('refuses a %s with data_base64', (type) => {
    const data = Buffer.from('{"purposes":["marketing"]}').toString('base64');
    expect(decode({ type, data_base64: data }, 'user', '42', type)).toMatch(/^EVENT_MALFORMED: data_base64/);
  });

  it.each(['consent.granted', 'consent.withdrawn'])('refuses a %s with purposes that nobody reads', (type) => {
    const purposes = ['marketing'];
    expect(decode({ type, purposes }, 'user', '42', type)).toMatch(/^EVENT_MALFORMED: purposes/);
    expect(decode({ type, purposes: [], data: { purposes } }, 'user', '42', type)).toMatch(
      /^EVENT_MALFORMED: purposes/,
    );
    const bare = (body: object) => decodeEvent('user', '42', type, bytes(body));
    expect(bare({ data: { purposes } })).toMatch(/^EVENT_MALFORMED: data:/);
    expect(bare({ data_base64: 'e30=' })).toMatch(/^EVENT_MALFORMED: data_base64/);
    expect(bare({ purposes: null })).toMatch(/^EVENT_MALFORMED: data.purposes/);
    expect(bare({ purposes: 'marketing' })).toMatch(/^EVENT_MALFORMED: data.purposes/);
  });

  it.each([
    ['user', 'a=2Fb', 'user/a/b'],
    ['user', '42', 'user/42'],
    ['zone', ZONE, `zone/${ZONE}`],
    ['zone', ZONE, `zone/0${ZONE.toUpperCase()}`],
    ['campaign', 'c1', 'campaign/c1'],
    ['anon', 'x-1', 'anon/x-1'],
  ])('takes the subject of %s.%s from %s', (kind, token, subject) => {
    expect(decode({ subject }, kind, token)).toMatchObject({ address: { kind, token } });
  });

  it.each(['user/43', 'zone/42', 'user/', 'user', '42', '', 'user/4\ud800', 7, {}])(
    'refuses the subject %j',
    (subject) => {
      expect(decode({ subject })).toMatch(/^EVENT_CONTRADICTS_SUBJECT/);
    },
  );

  it('refuses a type that contradicts the subject’s', () => {
    expect(decode({ type: 'accept' })).toMatch(/^EVENT_CONTRADICTS_SUBJECT/);
  });

  it.each(['2024-05-01t12:00:00z', '2024-04-30T23:59:60Z'])('reads the time %s', (time) => {
    expect(decode({ time })).toMatchObject({ timeMs: expect.any(Number) });
  });

  it.each(['now', '', '2024-05-01', 5, {}])('refuses the time %j', (time) => {
    expect(decode({ time })).toMatch(/^EVENT_MALFORMED: time/);
  });

  it.each(['\0', 'a\ud800', '', 'x'.repeat(257), 5])('refuses the id and the source %j', (id) => {
    expect(decode({ id })).toMatch(/^EVENT_MALFORMED: id/);
    expect(decode({ source: id })).toMatch(/^EVENT_MALFORMED: source/);
  });

  it('refuses what is no UTF-8, in which different ids would become one', () => {
    const payload = Buffer.concat([Buffer.from('{"id":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect(decodeEvent('user', '42', 'click', payload)).toMatch(/^EVENT_MALFORMED/);
  });

  it('refuses NUL in a token', () => {
    expect(decode({}, 'user', 'a=00')).toMatch(/^EVENT_ID_INVALID/);
  });
});
