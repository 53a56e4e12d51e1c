import { expect, test } from '@jest/globals';
import { EngineError } from './errors.js';
import { createLogger } from './logger.js';

function collect(level: 'debug' | 'info' | 'error'): {
  lines: Record<string, unknown>[];
  logger: ReturnType<typeof createLogger>;
} {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger(level, { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) });
  return { lines, logger };
}

test('writes level, message, fields and inherited fields as one JSON object', () => {
  const { lines, logger } = collect('info');
  logger.with({ partition: 3 }).warn('The lease was lost.', { epoch: 7 });
  expect(lines).toEqual([
    expect.objectContaining({ level: 'warn', message: 'The lease was lost.', partition: 3, epoch: 7 }),
  ]);
});

test('leaves out what is below its level', () => {
  const { lines, logger } = collect('error');
  logger.info('Too quiet.');
  expect(lines).toEqual([]);
});

test('hides secrets in fields, texts, URLs and errors at any depth', () => {
  const { lines, logger } = collect('debug');
  const cause = new Error('connect nats://engine:hush@host:4222 failed');
  logger.with({ apiKey: 'hush' }).error('Lost postgresql://u:hush@h/d.', {
    error: new EngineError('Dependency', 'NATS_DOWN', 'NATS is down.', { cause }),
    nested: { list: [{ password: 'hush', port: 1 }] },
    authorization: 'Bearer hush',
  });
  expect(JSON.stringify(lines)).not.toContain('hush');
  expect(lines[0]).toMatchObject({
    error: {
      code: 'NATS_DOWN',
      family: 'Dependency',
      cause: { message: 'connect nats://[redacted]@host:4222 failed' },
    },
    nested: { list: [{ port: 1 }] },
  });
});
