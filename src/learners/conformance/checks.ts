/** What every learner plug-in must do, one check each. A check throws, with a sentence for the plug-in's author. */
import { isDeepStrictEqual } from 'node:util';
import { systemClock } from '../../kernel/clock.js';
import { ARTIFACT_BYTES_MAX } from '../../policies/artifact.js';
import { parseExperience } from '../experience-schema.js';
import type { AnyLearnerPlugin } from '../learner.js';
import { parseLearnerConfig } from '../plugin-registry.js';
import { BAD_EXPERIENCE } from './bad-experience.js';
import { notPlain } from './plain-json.js';
import { LearnerRun } from './world.js';

export interface CheckContext {
  readonly plugin: AnyLearnerPlugin;
  readonly config: unknown;
  /** Decisions that the trivial world gives a learner before it must have found the better candidate. */
  readonly decisions: number;
  /** How long after its signal has aborted an update may go on. */
  readonly abortGraceMs: number;
}

export interface Check {
  readonly name: string;
  /** What holds where it passes. */
  readonly promise: string;
  run(context: CheckContext): Promise<void>;
}

const SEEDS = [1, 2, 3] as const;
/** Decisions between two versions of the policy. */
const BATCH = 32;
const BEST_SHARE_MIN = 0.6;
/** The largest batch that the engine may be told to cut (`batchSize`). */
const BATCH_MAX = 4096;

const runOf = ({ plugin, config }: CheckContext, seed: number): LearnerRun => new LearnerRun(plugin, config, seed);
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

function demand(holds: boolean, sentence: string): void {
  if (!holds) throw new Error(sentence);
}

/** Learns from batches that do not depend on what it has learned. */
async function wander(run: LearnerRun, batches: number, size = BATCH): Promise<void> {
  for (let i = 0; i < batches; i++) await run.learn(run.wander(size));
}

/** What the engine would store is sound, and a host could read what it would publish. */
function assertSound(context: CheckContext, run: LearnerRun, when: string): void {
  const snapshot = run.learner.snapshot();
  const odd = notPlain(snapshot);
  demand(odd === undefined, `${when}, the snapshot is no plain JSON: ${odd}.`);
  const parsed = context.plugin.stateSchema.safeParse(JSON.parse(JSON.stringify(snapshot)));
  const issue = parsed.error?.issues[0];
  demand(
    parsed.success,
    `${when}, the snapshot does not fit stateSchema: ${issue?.path.join('.')}: ${issue?.message}.`,
  );
  const { length } = run.artifact();
  demand(length <= ARTIFACT_BYTES_MAX, `${when}, the artifact has ${length} bytes; ${ARTIFACT_BYTES_MAX} are allowed.`);
  const share = run.bestShare();
  demand(share >= 0 && share <= 1, `${when}, the policy gives a probability of ${share}.`);
}

export const CHECKS: readonly Check[] = [
  {
    name: 'trivial-world',
    promise: 'finds the better of two candidates',
    async run(context) {
      for (const seed of SEEDS) {
        const run = runOf(context, seed);
        for (let done = 0; done < context.decisions; done += BATCH) await run.learn(run.decide(BATCH));
        const share = run.bestShare();
        demand(
          share > BEST_SHARE_MIN,
          `After ${context.decisions} decisions with seed ${seed} its policy chooses the better candidate with ` +
            `probability ${share.toFixed(3)}; more than ${BEST_SHARE_MIN} is asked for.`,
        );
      }
    },
  },
  {
    name: 'same-seed',
    promise: 'gives the same artifact from the same seed and experience',
    async run(context) {
      const [one, other] = [runOf(context, 7), runOf(context, 7)];
      await wander(one, 20);
      await wander(other, 20);
      demand(textOf(one.artifact()) === textOf(other.artifact()), 'Two runs from one seed export different artifacts.');
      demand(
        isDeepStrictEqual(one.save(), other.save()),
        'Two runs from one seed end in different states: chance must come from deps.random alone, and no clock be read.',
      );
    },
  },
  {
    name: 'save-and-load',
    promise: 'goes on after saving and loading exactly as if nothing had happened',
    async run(context) {
      const whole = runOf(context, 9);
      let cut = runOf(context, 9);
      for (let i = 0; i < 10; i++) {
        await whole.learn(whole.decide(BATCH));
        await cut.learn(cut.decide(BATCH));
        cut = cut.saveAndLoad();
        demand(
          isDeepStrictEqual(JSON.parse(JSON.stringify(cut.save())), JSON.parse(JSON.stringify(whole.save()))),
          `After ${i + 1} batches a learner made from its snapshot differs from one that was never interrupted.`,
        );
      }
      demand(textOf(whole.artifact()) === textOf(cut.artifact()), 'A resumed learner exports another artifact.');
    },
  },
  {
    name: 'incremental',
    promise: 'learns the same from one batch as from many, if it says that it is incremental',
    async run(context) {
      if (!context.plugin.incremental) return;
      const [one, many] = [runOf(context, 4), runOf(context, 4)];
      await wander(one, 1, 63);
      const batch = many.wander(63);
      for (let i = 0; i < batch.length; i += 7) await many.learn(batch.slice(i, i + 7));
      demand(
        isDeepStrictEqual(one.learner.snapshot(), many.learner.snapshot()),
        'It says incremental: true, but cutting a batch in parts changes what it learns.',
      );
    },
  },
  {
    name: 'bounded-step',
    promise: `ends an update of ${BATCH_MAX} experiences, and of none`,
    async run(context) {
      const run = runOf(context, 3);
      await run.learn(run.wander(BATCH_MAX));
      assertSound(context, run, `After ${BATCH_MAX} experiences`);
      const before = run.learner.snapshot();
      await run.learn([]);
      demand(isDeepStrictEqual(run.learner.snapshot(), before), 'An empty batch changes its state.');
    },
  },
  {
    name: 'abort',
    promise: 'ends soon once its signal aborts, and goes on well from its last snapshot',
    async run(context) {
      const run = runOf(context, 5);
      await wander(run, 2);
      const saved = JSON.parse(JSON.stringify(run.save())) as ReturnType<LearnerRun['save']>;
      for (const abortAfterMs of [0, 20]) {
        const doomed = new LearnerRun(context.plugin, context.config, 5, saved);
        await assertHeeds(doomed, abortAfterMs, context.abortGraceMs);
      }
      const resumed = new LearnerRun(context.plugin, context.config, 5, saved);
      await wander(resumed, 1);
      await wander(run, 1);
      demand(
        isDeepStrictEqual(resumed.learner.snapshot(), run.learner.snapshot()),
        'After an aborted update, a learner made from the snapshot before it learns something else: they share state.',
      );
    },
  },
  {
    name: 'bad-experience',
    promise: 'refuses or skips bad experience and keeps a sound state',
    async run(context) {
      for (const [what, body] of Object.entries(BAD_EXPERIENCE)) {
        const experience = parseExperience(body);
        if (experience === undefined) continue;
        const run = runOf(context, 11);
        await wander(run, 1);
        const refused = await run.learn([experience, experience]).then(
          () => false,
          () => true,
        );
        // A learner that throws is discarded: what it held no longer matters.
        if (refused) continue;
        assertSound(context, run, `After experience with ${what}`);
        await wander(run, 1);
        assertSound(context, run, `After experience with ${what} and good experience behind it`);
      }
    },
  },
  {
    name: 'config-schema',
    promise: 'refuses configuration that is nonsense, and settings that it does not have',
    async run({ plugin, config }) {
      await Promise.resolve();
      parseLearnerConfig(plugin, config);
      for (const nonsense of ['nonsense', 42, [1], true, { noSuchSetting: 1 }]) {
        demand(
          !plugin.configSchema.safeParse(nonsense).success,
          `configSchema takes ${JSON.stringify(nonsense)}; a mistyped setting would go unnoticed (use z.strictObject).`,
        );
      }
    },
  },
  {
    name: 'artifact',
    promise: 'exports finite parameters, within the limit, that their family reads, from its first moment on',
    async run(context) {
      const run = runOf(context, 13);
      assertSound(context, run, 'Before it has learned anything');
      await wander(run, 5);
      assertSound(context, run, 'After 5 batches');
      demand(textOf(run.artifact()) === textOf(run.artifact()), 'Exporting twice gives different artifacts.');
    },
  },
  {
    name: 'snapshot',
    promise: 'takes a snapshot that is plain JSON, fits its schema and stays as it was',
    async run(context) {
      const run = runOf(context, 17);
      await wander(run, 3);
      const snapshot = run.learner.snapshot();
      const then = JSON.stringify(snapshot);
      await wander(run, 3);
      demand(
        JSON.stringify(snapshot) === then,
        'Learning on changes a snapshot that was taken before: copy the state.',
      );
      demand(JSON.stringify(run.learner.snapshot()) !== then, 'Nothing in its snapshot changes while it learns.');
      assertSound(context, run, 'After 6 batches');
      for (const nonsense of ['nonsense', 42, null, [{}]])
        demand(
          !context.plugin.stateSchema.safeParse(nonsense).success,
          `stateSchema takes ${JSON.stringify(nonsense)} for a state.`,
        );
    },
  },
];

/** Whether the update ends, in whatever way, within the grace time of its signal's abort. */
async function assertHeeds(run: LearnerRun, abortAfterMs: number, graceMs: number): Promise<void> {
  const controller = new AbortController();
  if (abortAfterMs === 0) controller.abort();
  else systemClock.after(abortAfterMs, () => controller.abort());
  const ended = run.learn(run.wander(BATCH_MAX), controller.signal).then(
    () => true,
    () => true,
  );
  let cancel: () => void = () => undefined;
  const late = new Promise<false>((resolve) => {
    cancel = systemClock.after(abortAfterMs + graceMs, () => resolve(false));
  });
  const heeded = await Promise.race([ended, late]);
  cancel();
  demand(heeded, `An update went on for ${graceMs} ms after its signal had aborted; the engine would end its thread.`);
}
