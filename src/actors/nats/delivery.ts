/**
 * What a consumer's delivery says about itself, read from the reply subject:
 * `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time ns>.<pending>` (nats-server's ADR-15), or
 * with `<domain>.<account hash>` after `ACK` and a random token at the end.
 */
export interface Delivery {
  /** Sequence in the stream. */
  sequence: number;
  /** Place in this consumer's deliveries, from 1. */
  delivered: number;
  timestampMs: number;
  /** Matching messages behind this one. */
  pending: number;
}

const DOT = 46;
const ZERO = 48;
const SHORT_TOKENS = 9;
const SHORT_SKIP = 5;
const LONG_SKIP = 7;
const NANOS_DIGITS = 6;

/** Fills `into`, which is reused so that a delivery costs no object; false for anything but a delivery. */
export function parseDelivery(reply: string, into: Delivery): boolean {
  if (!reply.startsWith('$JS.ACK.')) return false;
  let tokens = 1;
  for (let i = 0; i < reply.length; i++) if (reply.charCodeAt(i) === DOT) tokens++;
  if (tokens < SHORT_TOKENS) return false;
  let at = 0;
  for (let skip = tokens === SHORT_TOKENS ? SHORT_SKIP : LONG_SKIP; skip > 0; at++) {
    if (reply.charCodeAt(at) === DOT) skip--;
  }
  let end = endOf(reply, at);
  into.sequence = digits(reply, at, end);
  at = end + 1;
  end = endOf(reply, at);
  into.delivered = digits(reply, at, end);
  at = end + 1;
  end = endOf(reply, at);
  // Nanoseconds do not fit a double; without the last six digits they are whole milliseconds and do.
  into.timestampMs = digits(reply, at, end - NANOS_DIGITS);
  at = end + 1;
  into.pending = digits(reply, at, endOf(reply, at));
  return true;
}

function endOf(text: string, from: number): number {
  const dot = text.indexOf('.', from);
  return dot === -1 ? text.length : dot;
}

function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) value = value * 10 + (text.charCodeAt(i) - ZERO);
  return value;
}
