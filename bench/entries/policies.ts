/** What the policies' distributions cost, on this thread. */
import { seededRandom } from '../../src/kernel/random.js';
import { thompsonPolicy } from '../../src/policies/thompson/policy.js';
import type { DecisionContext, Policy } from '../../src/policies/policy.js';
import { less, type Entry } from '../entry.js';
import { cpuUsEach } from '../support/timed.js';

const ARMS = [10, 100] as const;
const ROUNDS = 20_000;
const SEED = 7;
const context: DecisionContext = {
  surface: 'bench',
  subjectKind: 'rider',
  personalized: true,
  context: {},
  features: {},
  nowMs: 0,
};

const candidatesOf = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ id: `arm-${i}`, features: {}, nonPersonal: true }));

/** Arms that were tried between a hundred and ten thousand times, each liked to its own degree. */
function learned(count: number): Policy {
  const random = seededRandom(SEED);
  const arms = Object.fromEntries(
    Array.from({ length: count }, (_, i) => {
      const trials = 100 + random.next() * 9_900;
      const liked = 0.05 + 0.3 * random.next();
      return [`arm-${i}`, [1 + trials * liked, 1 + trials * (1 - liked)]];
    }),
  );
  return thompsonPolicy({ policy: { id: 'bench', version: 1 }, parameters: { arms, prior: [1, 1] } });
}

export const policies: Entry = {
  name: 'policies',
  about: 'CPU time of one Thompson distribution, exact to the propensity',
  async run() {
    return ARMS.map((count) => {
      const policy = learned(count);
      const candidates = candidatesOf(count);
      const rounds = (ROUNDS * ARMS[0]) / count;
      const us = cpuUsEach(rounds, () => void policy.distribution(context, candidates));
      return less(`policies.thompson-${count}`, us, `µs, ${count} arms`);
    });
  },
};
