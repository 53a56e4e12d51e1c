/** The files of a new learner plug-in. Plain JavaScript: Node strips no types under node_modules. */

/** Path inside the folder → text. */
export function learnerFiles(name: string, folder: string): Record<string, string> {
  return {
    'package.json': packageJson(name),
    'src/learner.js': learner(name),
    'test/learner.test.js': spec(name),
    'README.md': readme(name, folder),
  };
}

const packageJson = (name: string): string =>
  `${JSON.stringify(
    {
      name,
      version: '0.1.0',
      description: 'A learner plug-in for Attune.',
      type: 'module',
      exports: './src/learner.js',
      files: ['src'],
      engines: { node: '>=24' },
      scripts: { test: 'node --test' },
      devDependencies: { zod: '^4.0.0' },
    },
    null,
    2,
  )}\n`;

const learner = (name: string): string => `/**
 * The learner plug-in \`${name}\`: counts how often each candidate was rewarded and exports one Beta posterior a
 * candidate, on which the family 'beta-thompson' acts. Replace what learns; keep the shape.
 *
 * The engine calls it in a thread of its own, one call at a time. It may neither read a clock nor use any chance but
 * \`deps.random.next()\` (uniform in [0, 1)): a learner that resumes from its snapshot must end where one that was never
 * interrupted does, bit for bit.
 */
export const plugin = ({ z }) => ({
  kind: '${name}',
  // True: update(x), then update(y) leaves the same state as update([...x, ...y]). The engine may then cut batches short.
  incremental: true,
  // Strict, so that a mistyped setting is refused at the start.
  configSchema: z.strictObject({
    /** Successes and failures that are taken for granted of a candidate that was never tried. */
    prior: z.tuple([z.number().min(0.5), z.number().min(0.5)]).default([1, 1]),
    /** Candidates remembered; experience of further ones is skipped. */
    armsMax: z.number().int().min(1).max(100_000).default(10_000),
  }),
  // What snapshot() gives: plain JSON, every number finite. Pairs, not an object: ids may be anything, '__proto__' too.
  stateSchema: z.strictObject({
    arms: z.array(z.tuple([z.string(), z.tuple([z.number().min(0.5), z.number().min(0.5)])])),
  }),
  create({ prior, armsMax }, deps, saved) {
    void deps;
    const arms = new Map((saved?.arms ?? []).map(([id, [alpha, beta]]) => [id, [alpha, beta]]));

    /** Adds the outcome, from 0 to 1, to what is known of a candidate; false where there is no room for it. */
    function learn(id, outcome) {
      let arm = arms.get(id);
      if (arm === undefined) {
        if (arms.size >= armsMax) return false;
        arms.set(id, (arm = [...prior]));
      }
      arm[0] += outcome;
      arm[1] += 1 - outcome;
      return true;
    }

    return {
      /** Experiences in stream order. Throws once \`signal\` has aborted: the engine goes on from the last snapshot. */
      update(batch, signal) {
        let learned = 0;
        for (const { status, slate, reward, rewardedId, credits } of batch) {
          signal.throwIfAborted();
          // 'censored', 'not-shown', 'refused': nothing is known of what the candidate was worth.
          if (status !== 'complete') continue;
          const earned = credits ?? [{ id: rewardedId ?? slate[0]?.id, reward }];
          let touched = false;
          for (const { id, forced } of slate) {
            // A pinned position was nobody's choice.
            if (forced) continue;
            const own = earned.find((one) => one.id === id)?.reward ?? 0;
            const outcome = Math.min(Math.max(own, 0), 1);
            touched = learn(id, outcome) || touched;
          }
          if (touched) learned++;
        }
        return { learned };
      },
      snapshot: () => ({ arms: [...arms].map(([id, [alpha, beta]]) => [id, [alpha, beta]]) }),
      exportPolicy: () => ({
        family: 'beta-thompson',
        parameters: { arms: Object.fromEntries([...arms].map(([id, arm]) => [id, [...arm]])), prior: [...prior] },
      }),
    };
  },
});
`;

const spec = (name: string): string => `/** What is particular to ${name}; the conformance suite checks the rest. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { plugin as make } from '../src/learner.js';

const plugin = make({ z });
const random = { next: () => 0.5, state: () => [0, 0, 0, 0] };
const { signal } = new AbortController();
const create = (saved) => plugin.create(plugin.configSchema.parse({}), { random, surface: 's' }, saved);
const experience = (part) => ({ status: 'complete', slate: [{ id: 'a', propensity: 1 }], reward: 0, rewardedId: null, ...part });

test('credits what was rewarded', () => {
  const learner = create();
  assert.deepEqual(learner.update([experience({ reward: 1, rewardedId: 'a' }), experience({})], signal), { learned: 2 });
  assert.deepEqual(learner.snapshot(), { arms: [['a', [2, 2]]] });
});

test('skips what was not shown', () => {
  const learner = create();
  assert.deepEqual(learner.update([experience({ status: 'not-shown' })], signal), { learned: 0 });
});

test('goes on from its snapshot', () => {
  const learner = create();
  learner.update([experience({ reward: 1, rewardedId: 'a' })], signal);
  const saved = plugin.stateSchema.parse(JSON.parse(JSON.stringify(learner.snapshot())));
  assert.deepEqual(create(saved).exportPolicy(), learner.exportPolicy());
});
`;

const readme = (name: string, folder: string): string => `# ${name}

A learner plug-in for Attune. It learns from the experience of one surface and exports the parameters of a policy, which
every host swaps in without a restart.

It needs no packages to run: the engine hands it its own Zod. Its spec needs \`npm install\` first, and then \`npm test\`.

Check it, in Attune's folder, before it meets a rider:

\`\`\`
npm run conformance -- --learner ${folder}
\`\`\`

Use it: name it as the \`kind\` of a learner in the engine's configuration (\`docs/learners.md\` has every setting), by its
path or, once it is installed there, by its package name.

\`\`\`yaml
learners:
  - { id: ${name}, kind: ${folder}, surface: rider.pickup, policy: pickup-thompson }
\`\`\`

- **Method**: one Beta posterior a candidate, with fractional successes.
- **Assumes** rewards from 0 to 1; what lies outside is clamped.
- **Do not use it** where a candidate's worth depends on who asks: it looks at nothing but the candidate's id.
`;
