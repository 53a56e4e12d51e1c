/**
 * Preloaded into an engine's process: on SIGUSR2 its main thread is busy, as the file that BLOCKS_FILE names says:
 * `{ blockMs, times }`, each block a turn of the event loop after the other.
 */
import { readFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

function busy(blockMs, times) {
  const endMs = performance.now() + blockMs;
  while (performance.now() < endMs);
  if (times > 1) setTimeout(busy, 1, blockMs, times - 1);
  else process.stderr.write('{"message":"no longer busy"}\n');
}

if (isMainThread && process.env.BLOCKS_FILE) {
  process.on('SIGUSR2', () => {
    const { blockMs, times } = JSON.parse(readFileSync(process.env.BLOCKS_FILE, 'utf8'));
    busy(blockMs, times);
  });
}
