import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../kernel/clock.js';
import { NICENESS } from '../../kernel/yield-to-decisions.js';
import { decodeCheckpoint } from './checkpoint.js';
import { WorkerTrainer } from './worker-trainer.js';

/** Its state is the priority of the thread it learns in. */
const PLUGIN = `import { getPriority } from 'node:os';
const anything = { safeParse: (data) => ({ success: true, data }) };
export const plugin = {
  kind: 'priority',
  incremental: true,
  configSchema: anything,
  stateSchema: anything,
  create: () => ({
    update: () => ({ learned: 0 }),
    snapshot: () => ({ priority: getPriority() }),
    exportPolicy: () => ({ family: 'none', parameters: {} }),
  }),
};
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'attune-plugin-'));
  writeFileSync(join(folder, 'plugin.mjs'), PLUGIN);
});
afterAll(() => rmSync(folder, { recursive: true }));

const onLinux = process.platform === 'linux' ? it : it.skip;

describe('a worker thread that learns', () => {
  onLinux('stands behind the threads that decide, and leaves theirs alone', async () => {
    const before = getPriority();
    const trainer = new WorkerTrainer({ clock: systemClock, updateDeadlineMs: 10_000, heapMbMax: 64 });
    try {
      const kind = join(folder, 'plugin.mjs');
      const stream = { identity: 'stream' };
      await trainer.start({ learner: 'l', kind, surface: 's', config: {}, seed: 1, batchSize: 1, stream }, undefined);
      const { session } = decodeCheckpoint(await trainer.save({ epoch: 1, savedAtMs: 0, v: 2 }));
      expect(session.state).toEqual({ priority: Math.max(before, NICENESS) });
      expect(getPriority()).toBe(before);
    } finally {
      await trainer.stop();
    }
  });
});
