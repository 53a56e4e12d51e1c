/**
 * An experience stream as it was written once, what learners had stored of it in its middle, and what they came to at its end:
 * kept for good, so that every later build goes on from such checkpoints to the same.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  decodeExternalCheckpoint,
  decodeGateCheckpoint,
  encodeExternalCheckpoint,
  encodeGateCheckpoint,
  EXTERNAL_KIND,
  GATE_KIND,
} from '../../src/actors/learner/external/checkpoint.js';
import { decodeCheckpoint, readCheckpoint } from '../../src/actors/learner/checkpoint.js';
import { LearningSession } from '../../src/actors/learner/learning-session.js';
import type { ExperienceRecord, SessionSpec } from '../../src/actors/learner/trainer.js';
import type { StoredRecord } from '../../src/actors/simulated/stream.js';
import { systemClock } from '../../src/kernel/clock.js';
import { Slices } from '../../src/kernel/slices.js';
import { TOWN_PICKUP } from '../../src/actors/simulated/town.js';
import { betaThompson } from '../../src/learners/beta-thompson/learner.js';
import { anyPlugin, type AnyLearnerPlugin } from '../../src/learners/learner.js';
import { gateSettingsSchema } from '../../src/learners/promotion/index.js';
import { qLearning } from '../../src/learners/q-learning/learner.js';
import { THIS_BUILD, type Stored } from '../../src/messages/versions.js';

export const LEARNER_FOLDER = join(import.meta.dirname, 'learners');
const SUFFIX = '.json.gz';
const EXTERNAL_ID = 'outside';

/** Of a learner that the engine runs: its checkpoints. */
interface Learned {
  readonly spec: SessionSpec;
  readonly middle: Stored;
  readonly end: Stored;
}

export interface LearnerHistory {
  readonly records: readonly { readonly sequence: number; readonly subject: string; readonly payload: string }[];
  readonly learned: readonly Learned[];
  /** Of one in a process of its own: what is kept for it, and of its gate; and what both say. */
  readonly external: { readonly learner: Stored; readonly gate: Stored; readonly says: unknown };
}

const PLUGINS: ReadonlyMap<string, AnyLearnerPlugin> = new Map(
  [anyPlugin(betaThompson), anyPlugin(qLearning)].map((plugin) => [plugin.kind, plugin]),
);
const META = { epoch: 3, savedAtMs: 7, v: THIS_BUILD.schema };
const { signal } = new AbortController();

export async function learnerHistoryOf(experience: readonly StoredRecord[]): Promise<LearnerHistory> {
  const records = experience.map(({ sequence, subject, payload }) => ({
    sequence,
    subject,
    payload: Buffer.from(payload).toString('utf8'),
  }));
  const middle = Math.floor(records.length / 2);
  const learned = await Promise.all(
    [...PLUGINS.keys()].map(async (kind): Promise<Learned> => {
      const spec: SessionSpec = {
        learner: `a-${kind}`,
        kind,
        surface: TOWN_PICKUP,
        config: {},
        seed: 5,
        batchSize: 4,
        gate: gateSettingsSchema.parse({ holdout: 0.3 }),
        stream: { identity: 'stream' },
      };
      return {
        spec,
        middle: await checkpointAt(records.slice(0, middle), spec),
        end: await checkpointAt(records, spec),
      };
    }),
  );
  const { gate } = decodeCheckpoint(bytesOf(learned[0]!.end)).session;
  const meta = { ...META, learner: EXTERNAL_ID, surface: TOWN_PICKUP, cursor: '1.0.stream.9' };
  const state = Buffer.from([0, 1, 254, 255]).toString('base64');
  const external = {
    learner: jsonOf(
      await encodeExternalCheckpoint(
        { ...meta, kind: EXTERNAL_KIND, experiences: 9 },
        [state],
        new Slices(systemClock),
      ),
    ),
    gate: jsonOf(encodeGateCheckpoint({ ...meta, kind: GATE_KIND, gate: gate! })),
  };
  return { records, learned, external: { ...external, says: saidBy(external) } };
}

/** What a learner has stored after these records, begun with a checkpoint if there is one. */
export async function checkpointAt(
  records: LearnerHistory['records'],
  spec: SessionSpec,
  from?: Stored,
): Promise<Stored> {
  const session = new LearningSession(PLUGINS.get(spec.kind)!, spec, from && bytesOf(from));
  const messages = records.map((record): ExperienceRecord => ({ ...record, payload: Buffer.from(record.payload) }));
  await session.fold(messages, true, signal);
  return jsonOf(session.save(META));
}

/** A checkpoint as this build has it. */
export const plain = (stored: Stored): Stored => readCheckpoint(bytesOf(stored));

export function saidBy({ learner, gate }: Pick<LearnerHistory['external'], 'learner' | 'gate'>): unknown {
  const { v: _v, ...own } = decodeExternalCheckpoint(bytesOf(learner), EXTERNAL_ID, TOWN_PICKUP);
  const { v: _w, ...its } = decodeGateCheckpoint(bytesOf(gate), EXTERNAL_ID, TOWN_PICKUP);
  return JSON.parse(JSON.stringify({ own, its }));
}

export function learnerHistoryNames(): string[] {
  return readdirSync(LEARNER_FOLDER)
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => name.slice(0, -SUFFIX.length))
    .sort();
}

export const readLearnerHistory = (name: string): LearnerHistory =>
  JSON.parse(gunzipSync(readFileSync(join(LEARNER_FOLDER, name + SUFFIX))).toString('utf8')) as LearnerHistory;

export function writeLearnerHistory(name: string, history: LearnerHistory): void {
  mkdirSync(LEARNER_FOLDER, { recursive: true });
  writeFileSync(join(LEARNER_FOLDER, name + SUFFIX), gzipSync(JSON.stringify(history), { level: 9 }));
}

const bytesOf = (stored: Stored): Uint8Array => Buffer.from(JSON.stringify(stored));
const jsonOf = (bytes: Uint8Array): Stored => JSON.parse(Buffer.from(bytes).toString('utf8')) as Stored;
