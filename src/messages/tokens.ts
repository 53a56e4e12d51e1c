import { invalidRequest } from '../kernel/errors.js';

/** A place in one partition's journal. As a read-your-writes token it covers the actor it was given for. */
export interface JournalPosition {
  /** Identity of the journal stream; a recreated journal has another. */
  readonly identity: string;
  readonly partition: number;
  readonly sequence: number;
}

/** Opaque to apps, and short: `partition.sequence.identity` in base 36. */
export function encodePosition(position: JournalPosition): string {
  return `${position.partition.toString(36)}.${position.sequence.toString(36)}.${position.identity}`;
}

export function decodePosition(token: string): JournalPosition {
  const match = /^([0-9a-z]{1,4})\.([0-9a-z]{1,11})\.([0-9a-zA-Z]{1,32})$/.exec(token);
  if (!match) throw invalidRequest('TOKEN_INVALID', 'after is not a token this engine has given out.', 'after');
  return { partition: parseInt(match[1]!, 36), sequence: parseInt(match[2]!, 36), identity: match[3]! };
}

/**
 * A decision's id says which actor holds it, so that a later reaction finds its way without a lookup:
 * `<nonce>.<kind>.<actor token>`.
 */
export function decisionIdOf(nonce: string, kind: string, token: string): string {
  return `${nonce}.${kind}.${token}`;
}

export function parseDecisionId(id: string): { nonce: string; kind: string; token: string } | undefined {
  const match = /^([0-9A-Za-z]{8,32})\.(user|anon)\.([0-9A-Za-z_=-]{1,768})$/.exec(id);
  return match ? { nonce: match[1]!, kind: match[2]!, token: match[3]! } : undefined;
}
