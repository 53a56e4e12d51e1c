import { describe, expect, it } from '@jest/globals';
import { decodeRecord } from './record-codec.js';

const decode = (subject: string, body: unknown) =>
  decodeRecord({ subject, payload: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) });
const event = (data: unknown, subject = 'attune.p.0.event.user.a.rating') =>
  decode(subject, { specversion: '1.0', id: 'i', source: 's', data });

describe('events, which come from anybody', () => {
  it.each([
    ['no JSON', decode('attune.p.0.event.user.a.x', '{')],
    ['a list', decode('attune.p.0.event.user.a.x', '[]')],
    ['null', decode('attune.p.0.event.user.a.x', 'null')],
    ['a kind that is none', event({}, 'attune.p.0.event.nobody.a.x')],
    ['a token that is none', event({}, 'attune.p.0.event.user.=.x')],
    ['a type that is none', event({}, 'attune.p.0.event.user.a.X!')],
    ['a value whose sum with others is not finite', event({ value: 1.7e308 })],
    ['a place that is none', event({ lat: 91 })],
  ])('are malformed, and throw nothing: %s', (_, decoded) => {
    expect(decoded).toMatchObject({ cls: 'malformed', reason: expect.stringMatching(/^EVENT_/) });
  });

  it('may have no body, no id and no time', () => {
    expect(decode('attune.p.0.event.user.a.trip.completed', '')).toMatchObject({
      cls: 'event',
      address: { kind: 'user', token: 'a' },
      type: 'trip.completed',
      id: '',
      timeMs: undefined,
    });
  });

  it('may be bare data, or a CloudEvent around it', () => {
    expect(decode('attune.p.0.event.user.a.rating', { id: 'i', value: 3 })).toMatchObject({
      source: 'nats',
      id: 'i',
      data: { value: 3 },
    });
    expect(event({ value: 3 })).toMatchObject({ source: 's', id: 'i', data: { value: 3 } });
  });
});
