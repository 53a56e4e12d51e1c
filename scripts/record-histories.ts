/**
 * `npm run record-histories`: writes the histories that test/replay holds every later build to. What is there for the schema
 * and the semantics of this build is written anew; histories of older ones are never touched.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { THIS_BUILD } from '../src/messages/versions.js';
import { HISTORY_FOLDER, writeHistory } from '../test/replay/history.js';
import { LEARNER_FOLDER, writeLearnerHistory } from '../test/replay/learner-history.js';
import { historiesOf } from '../test/replay/recorder.js';

/** Seeds of the simulated town; each has one to four partitions. */
const SEEDS = [4, 8, 12, 16];
const PREFIX = `schema-${THIS_BUILD.schema}-semantics-${THIS_BUILD.semantics}-`;

for (const folder of [HISTORY_FOLDER, LEARNER_FOLDER]) {
  for (const name of readdirSync(folder)) if (name.startsWith(PREFIX)) rmSync(join(folder, name));
}
for (const seed of SEEDS) {
  const { partitions, learners } = await historiesOf(seed);
  writeLearnerHistory(`${PREFIX}town-${seed}`, learners);
  process.stdout.write(`${PREFIX}town-${seed}: ${learners.records.length} experiences\n`);
  for (const history of partitions) {
    const name = `${PREFIX}town-${seed}-${history.partition}`;
    writeHistory(name, history);
    process.stdout.write(`${name}: ${history.records.length} records\n`);
  }
}
