import { describe, expect, it } from '@jest/globals';
import { JetStreamApiError } from '@nats-io/jetstream';
import { EngineError } from '../../kernel/errors.js';
import { dependency, refusal } from './nats-errors.js';

describe('refusal', () => {
  it.each([
    [10077, 'maximum bytes exceeded', 'JOURNAL_FULL'],
    [10077, 'write /var/lib/nats/1.blk: no space left on device', 'JOURNAL_FULL'],
    [10047, 'insufficient storage resources available', 'JOURNAL_FULL'],
    [10023, 'insufficient resources', 'JOURNAL_FULL'],
    [10054, 'message size exceeds maximum allowed', 'RECORD_TOO_LARGE'],
    [10076, 'jetstream not enabled', 'JOURNAL_UNAVAILABLE'],
    [10008, 'jetstream system temporarily unavailable', 'JOURNAL_UNAVAILABLE'],
    [10060, 'expected stream does not match', 'JOURNAL_REFUSED'],
    [undefined, undefined, 'JOURNAL_REFUSED'],
  ])('calls %s %j %s', (errorCode, description, code) => {
    const outcome = refusal({
      code: 503,
      ...(errorCode === undefined ? {} : { err_code: errorCode }),
      ...(description === undefined ? {} : { description }),
    });
    expect(outcome).toMatchObject({ status: 'refused', code });
    expect(JSON.stringify(outcome)).not.toContain('/var/lib');
  });
});

describe('dependency', () => {
  const apiError = (err_code: number, description: string) =>
    new JetStreamApiError({ code: 503, err_code, description });

  it.each([
    [apiError(10059, 'stream not found'), 'STREAM_MISSING'],
    [apiError(10077, 'write /var/lib/nats/1.blk: no space left on device'), 'STORAGE_FULL'],
    [new Error('timeout'), 'NATS_UNREACHABLE'],
  ])('names %s', (error, code) => {
    expect(dependency('The bucket', error)).toMatchObject({ family: 'Dependency', code });
  });

  it('leaves an engine error as it is', () => {
    const error = new EngineError('Configuration', 'X', 'x');
    expect(dependency('The bucket', error)).toBe(error);
  });
});
