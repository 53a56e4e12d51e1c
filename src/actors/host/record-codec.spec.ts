import { describe, expect, it } from '@jest/globals';
import { decodeRecord } from './record-codec.js';

const decode = (subject: string, body: unknown) =>
  decodeRecord({ subject, payload: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) });
const event = (data: unknown, subject = 'attune.p.0.event.app.user.a.rating') =>
  decode(subject, { specversion: '1.0', id: 'i', source: 's', data });

describe('events, which come from anybody', () => {
  it.each([
    ['no JSON', decode('attune.p.0.event.app.user.a.x', '{')],
    ['a list', decode('attune.p.0.event.app.user.a.x', '[]')],
    ['null', decode('attune.p.0.event.app.user.a.x', 'null')],
    ['a token that is none', event({}, 'attune.p.0.event.app.user.=.x')],
    ['a type that is none', event({}, 'attune.p.0.event.app.user.a.X!')],
    ['a value whose sum with others is not finite', event({ value: 1.7e308 })],
    ['a place that is none', event({ lat: 91 })],
  ])('are malformed, and throw nothing: %s', (_, decoded) => {
    expect(decoded).toMatchObject({ cls: 'malformed', reason: expect.stringMatching(/^EVENT_/) });
  });

  it('are passed over where their kind is none', () => {
    expect(event({}, 'attune.p.0.event.app.nobody.a.x')).toMatchObject({ cls: 'foreign' });
  });

  it.each([
    ['JSON_TOO_DEEP', '['.repeat(200_000)],
    ['JSON_TOO_DEEP', `{"x":${'['.repeat(34)}${']'.repeat(34)}}`],
    ['JSON_TOO_MANY_TOKENS', `{"x":[${'0,'.repeat(60_000)}0]}`],
    ['JSON_TOO_MANY_KEYS', JSON.stringify(Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`k${i}`, i])))],
    ['JSON_TOO_LARGE', JSON.stringify({ x: 'x'.repeat(300_000) })],
  ])('are malformed as %s before they are parsed', (code, text) => {
    const decoded = decode('attune.p.0.event.app.user.a.x', text);
    expect(decoded).toMatchObject({ cls: 'malformed', reason: expect.stringMatching(`^${code}: `) });
  });

  it('name too many purposes, whatever they are, in one reason', () => {
    for (const purpose of ['p', 7, null, []]) {
      expect(event({ purposes: new Array(20_000).fill(purpose) })).toMatchObject({
        cls: 'malformed',
        reason: 'EVENT_MALFORMED: data.purposes: may name 32 purposes, not 20000',
      });
    }
  });

  it('may be nested as deep as the gateway lets a body be, in its envelope', () => {
    const data = JSON.parse(`{"x":${'['.repeat(30)}${']'.repeat(30)}}`) as unknown;
    expect(event(data)).toMatchObject({ cls: 'event' });
  });

  it('may have no body, no id and no time', () => {
    expect(decode('attune.p.0.event.app.user.a.trip.completed', '')).toMatchObject({
      cls: 'event',
      address: { kind: 'user', token: 'a' },
      type: 'trip.completed',
      id: '',
      timeMs: undefined,
    });
  });

  it('may be bare data, or a CloudEvent around it', () => {
    expect(decode('attune.p.0.event.app.user.a.rating', { id: 'i', value: 3 })).toMatchObject({
      source: 'nats',
      id: 'i',
      data: { value: 3 },
    });
    expect(event({ value: 3 })).toMatchObject({ source: 's', id: 'i', data: { value: 3 } });
  });
});
