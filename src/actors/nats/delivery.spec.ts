import { describe, expect, it } from '@jest/globals';
import { parseDelivery, type Delivery } from './delivery.js';

const blank = (): Delivery => ({ sequence: 0, delivered: 0, timestampMs: 0, pending: 0 });

describe('parseDelivery', () => {
  it('reads the short form, with the time in exact milliseconds', () => {
    const into = blank();
    expect(parseDelivery('$JS.ACK.ATTUNE_P0.abc.1.9007199254740.17.1700000000123999999.42', into)).toBe(true);
    expect(into).toEqual({ sequence: 9007199254740, delivered: 17, timestampMs: 1700000000123, pending: 42 });
  });

  it.each([
    '$JS.ACK.hub.ACCHASH.ATTUNE_P0.abc.1.7.3.1700000000123000000.0.rnd',
    '$JS.ACK._.ACCHASH.ATTUNE_P0.abc.1.7.3.1700000000123000000.0',
  ])('reads the long form %s', (reply) => {
    const into = blank();
    expect(parseDelivery(reply, into)).toBe(true);
    expect(into).toEqual({ sequence: 7, delivered: 3, timestampMs: 1700000000123, pending: 0 });
  });

  it.each(['', '$JS.FC.stream.consumer.abc', '$JS.ACK.too.short'])('refuses %j', (reply) => {
    expect(parseDelivery(reply, blank())).toBe(false);
  });
});
