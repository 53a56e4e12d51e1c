import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cloudEventSchema } from '../../messages/events.js';
import { DEFAULT_FOLD_SETTINGS } from '../../messages/settings.js';
import { isCloudEvent, readCloudEvent, type EventRules } from './cloud-event.js';

const NOW_MS = Date.parse('2024-05-01T12:00:00Z');
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const rules: EventRules = { events: DEFAULT_FOLD_SETTINGS.events, h3Resolution: 8, recordBytesMax: 1000 };

const event = (over: object = {}): Record<string, unknown> => ({
  specversion: '1.0',
  id: 'e1',
  source: 'app',
  type: 'accept',
  subject: 'user/42',
  ...over,
});

const read = (over: object) => readCloudEvent(event(over), rules, NOW_MS, TRACE);

describe('isCloudEvent', () => {
  /** Mostly right, so that each field's edges are met alone. */
  const field = (right: unknown, ...wrong: unknown[]) =>
    fc.oneof(
      { weight: 12, arbitrary: fc.constant(right) },
      { weight: 1, arbitrary: fc.constantFrom<unknown>(undefined, null, 0, '', [], {}, true, ...wrong) },
    );
  const data = fc.record(
    {
      decisionId: field('a', '\u0000', 'x'.repeat(900), 'x'.repeat(901)),
      candidateId: field('c', '\ud800', 'x'.repeat(257)),
      value: field(1, Infinity, NaN, '1', 1e308, -1e12, 1.1e12),
      lat: field(1, 90, 90.01, -91, '1'),
      lng: field(1, 180, -180.01, Infinity),
      sessionId: field('s', '\u0000', 'x'.repeat(256), 'x'.repeat(257)),
      purposes: field(['a'], ['\u0000'], ['x'.repeat(65)], [1], [''], Array(33).fill('p'), Array(32).fill('p')),
      other: fc.anything(),
    },
    { requiredKeys: [] },
  );
  const candidate = fc.record(
    {
      specversion: field('1.0', '0.3', 1),
      id: field('i', 'a\u0000', '\ud800', '\udc00x', 'é', 'x'.repeat(256), 'x'.repeat(257)),
      source: field('s', '\u0000', 'x\ud83d', 'x'.repeat(257)),
      type: field('trip.completed', 'A', 'a..b', '.a', 'a.b.c.d.e', 'a.b.c.d.e.f', 'a b', 'x'.repeat(129)),
      subject: field('user/1', 'u', 'x'.repeat(300), 'x'.repeat(301)),
      time: field(
        '2024-05-01T12:00:00Z',
        '2024-05-01t12:00:00z',
        '2016-12-31T23:59:60Z',
        '2024-05-01T12:00:60Z',
        '2024-02-30T00:00:00Z',
        '2023-02-29T00:00:00Z',
        '2024-05-01',
        'now',
      ),
      datacontenttype: field('application/json'),
      data: fc.oneof({ weight: 8, arbitrary: data }, { weight: 1, arbitrary: fc.anything() }),
      extra: fc.anything(),
    },
    { requiredKeys: ['specversion', 'id', 'source', 'type', 'subject'] },
  );

  it('accepts exactly what the schema accepts', () => {
    let accepted = 0;
    const property = fc.property(fc.oneof({ weight: 20, arbitrary: candidate }, fc.anything()), (value) => {
      const isRight = cloudEventSchema.safeParse(value).success;
      expect(isCloudEvent(value)).toBe(isRight);
      if (isRight) accepted++;
    });
    fc.assert(property, { numRuns: 4000, seed: 7 });
    // Both answers must have been met often for their agreement to mean anything.
    expect(accepted).toBeGreaterThan(400);
    expect(accepted).toBeLessThan(3600);
  });

  it.each(['2024-05-01T12:00:00+02:00', '2024-05-01T12:00:00.123456Z', '2024-02-29T23:59:59-23:59'])(
    'reads the time %s as the schema does',
    (time) => {
      expect(isCloudEvent(event({ time }))).toBe(true);
      expect(cloudEventSchema.safeParse(event({ time })).success).toBe(true);
    },
  );
});

describe('readCloudEvent', () => {
  it('keeps a trace that the event brought along', () => {
    const own = '00-11111111111111111111111111111111-2222222222222222-00';
    const payloadOf = (over: object) => JSON.parse(Buffer.from(read(over).payload).toString());
    expect(payloadOf({ traceparent: own }).traceparent).toBe(own);
    expect(payloadOf({}).traceparent).toBe(TRACE);
  });

  it('takes times up to the bounds of skew, and not beyond', () => {
    const { pastMaxMs, futureMaxMs } = rules.events;
    const at = (ms: number) => ({ time: new Date(NOW_MS + ms).toISOString() });
    expect(() => read(at(futureMaxMs))).not.toThrow();
    expect(() => read(at(futureMaxMs + 1))).toThrow(
      expect.objectContaining({ code: 'EVENT_IN_FUTURE', field: 'time' }),
    );
    expect(() => read(at(-pastMaxMs))).not.toThrow();
    expect(() => read(at(-pastMaxMs - 1))).toThrow(expect.objectContaining({ code: 'EVENT_TOO_OLD', field: 'time' }));
  });

  it('takes only cells of the engine’s resolution', () => {
    expect(read({ subject: 'zone/882a100d67fffff' })).toMatchObject({ kind: 'zone', token: '882a100d67fffff' });
    expect(() => read({ subject: 'zone/892a100d673ffff' })).toThrow(
      expect.objectContaining({ code: 'ZONE_CELL_INVALID' }),
    );
  });

  it('takes every spelling of a cell for the one zone', () => {
    for (const cell of ['882a100d67fffff', '882A100D67FFFFF', '0882a100d67fffff', '00882A100d67fffff']) {
      const { kind, token, payload } = read({ subject: `zone/${cell}`, type: 'pickup' });
      expect([kind, token]).toEqual(['zone', '882a100d67fffff']);
      expect(JSON.parse(Buffer.from(payload).toString())).toMatchObject({ subject: 'zone/882a100d67fffff' });
    }
    for (const cell of [
      '0x882a100d67fffff',
      '882a100d67ffff',
      '892a100d673ffff',
      '882a100d67ffffff',
      ' 882a100d67fffff',
    ]) {
      expect(() => read({ subject: `zone/${cell}`, type: 'pickup' })).toThrow(
        expect.objectContaining({ code: 'ZONE_CELL_INVALID', field: 'subject' }),
      );
    }
  });

  it('takes attributes of null for unset', () => {
    const nulls = {
      time: null,
      datacontenttype: null,
      dataschema: null,
      data: null,
      data_base64: null,
      extension: null,
    };
    expect(JSON.parse(Buffer.from(read(nulls).payload).toString())).toEqual({ ...event(), traceparent: TRACE });
    expect(() => read({ id: null })).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST', field: 'id' }));
    expect(() => read({ specversion: null })).toThrow(expect.objectContaining({ field: 'specversion' }));
  });

  it('orders by RFC 3339, in lower case and with a leap second', () => {
    expect(() => read({ time: '2024-05-01t12:00:00z' })).not.toThrow();
    expect(() => read({ time: '2024-04-30T23:59:60Z' })).not.toThrow();
    expect(() => read({ time: '2016-12-31t23:59:60z' })).toThrow(expect.objectContaining({ code: 'EVENT_TOO_OLD' }));
  });

  it.each(['id', 'source', 'subject'])('refuses NUL and lone surrogates in %s', (field) => {
    for (const text of ['user/a\0b', 'user/\ud800', 'user/x\udc00y'])
      expect(() => read({ [field]: text })).toThrow(expect.objectContaining({ field }));
  });

  it('refuses a change of consent whose purposes stand where nobody reads them', () => {
    for (const type of ['consent.granted', 'consent.withdrawn'])
      expect(() => read({ type, purposes: ['marketing'] })).toThrow(
        expect.objectContaining({ code: 'INVALID_REQUEST', field: 'purposes' }),
      );
    expect(() => read({ type: 'click', purposes: ['marketing'] })).not.toThrow();
  });

  it('refuses what is about consent and not known, and consent of what is no person', () => {
    for (const type of ['consent', 'consent.revoked', 'consent.granted.all'])
      expect(() => read({ type })).toThrow(expect.objectContaining({ code: 'CONSENT_TYPE_UNKNOWN', field: 'type' }));
    for (const subject of ['zone/882a100d67fffff', 'campaign/c1'])
      expect(() => read({ type: 'consent.withdrawn', subject })).toThrow(
        expect.objectContaining({ code: 'CONSENT_OF_USER', field: 'subject' }),
      );
  });

  it('takes a withdrawal whenever it was, to the subject whatever decision it came with', () => {
    const withdrawn = { type: 'consent.withdrawn', data: { decisionId: 'abcdefgh.anon.xyz' } };
    for (const time of ['1999-01-01T00:00:00Z', '2099-01-01T00:00:00Z'])
      expect(read({ ...withdrawn, time })).toMatchObject({ kind: 'user', token: '42' });
    expect(() => read({ type: 'consent.granted', time: '1999-01-01T00:00:00Z' })).toThrow(
      expect.objectContaining({ code: 'EVENT_TOO_OLD' }),
    );
  });

  it('takes duty of drivers alone', () => {
    expect(read({ type: 'driver.online' }).kind).toBe('user');
    expect(() => read({ type: 'driver.online', subject: 'zone/882a100d67fffff' })).toThrow(
      expect.objectContaining({ code: 'DUTY_OF_DRIVER', field: 'subject' }),
    );
  });

  it('does not tell a stand-in whom it stands in for', () => {
    const { kind, payload } = read({ data: { decisionId: 'abcdefgh.anon.xyz' } });
    expect(kind).toBe('anon');
    expect(JSON.parse(Buffer.from(payload).toString()).subject).toBe('anon/xyz');
  });

  it('leaves with the subject what happened to her, whatever decision it came with', () => {
    const data = { decisionId: 'abcdefgh.anon.xyz' };
    for (const type of ['pickup', 'trip.completed', 'driver.online', 'driver.moved', 'driver.offline', 'session.ended'])
      expect(read({ type, data })).toMatchObject({ kind: 'user', token: '42' });
    for (const type of ['impression', 'click', 'accept', 'skip', 'dwell', 'rating', 'reaction', 'reward'])
      expect(read({ type, data })).toMatchObject({ kind: 'anon', token: 'xyz' });
  });

  it('takes an id with slashes whole', () => {
    expect(read({ subject: 'user/a/b' }).token).toBe('a=2Fb');
  });

  it('takes a reward only for a decision that its subject can hold', () => {
    const reward = (decisionId?: string) => () => read({ type: 'reward', data: { decisionId, value: 1 } });
    expect(reward('abcdefgh.user.42')).not.toThrow();
    for (const id of ['abcdefgh.user.43', 'nonsense', undefined]) {
      expect(reward(id)).toThrow(expect.objectContaining({ code: 'DECISION_UNKNOWN', field: 'data.decisionId' }));
    }
  });

  it('refuses an event larger than a record', () => {
    expect(() => read({ data: { note: 'x'.repeat(1000) } })).toThrow(
      expect.objectContaining({ code: 'EVENT_TOO_LARGE' }),
    );
  });
});
