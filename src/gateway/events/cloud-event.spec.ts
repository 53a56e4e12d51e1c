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
      decisionId: field('a', 'x'.repeat(900), 'x'.repeat(901)),
      candidateId: field('c', 'x'.repeat(257)),
      value: field(1, Infinity, NaN, '1', 1e308, -1e12, 1.1e12),
      lat: field(1, 90, 90.01, -91, '1'),
      lng: field(1, 180, -180.01, Infinity),
      sessionId: field('s', 'x'.repeat(256), 'x'.repeat(257)),
      purposes: field(['a'], ['x'.repeat(65)], [1], [''], Array(33).fill('p'), Array(32).fill('p')),
      other: fc.anything(),
    },
    { requiredKeys: [] },
  );
  const candidate = fc.record(
    {
      specversion: field('1.0', '0.3', 1),
      id: field('i', 'x'.repeat(256), 'x'.repeat(257)),
      source: field('s', 'x'.repeat(257)),
      type: field('trip.completed', 'A', 'a..b', '.a', 'a.b.c.d.e', 'a.b.c.d.e.f', 'a b', 'x'.repeat(129)),
      subject: field('user/1', 'u', 'x'.repeat(300), 'x'.repeat(301)),
      time: field('2024-05-01T12:00:00Z', '2024-02-30T00:00:00Z', '2023-02-29T00:00:00Z', '2024-05-01', 'now'),
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
