import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { artifactOf, POLICY_ID, publicationOf, thompsonOf, armsOf } from '../../../test/support/artifacts.js';
import { openerInPlace } from '../../../test/support/opener-in-place.js';
import { surfaceWith } from '../../../test/support/user-actor.js';
import { systemClock, type Clock } from '../../kernel/clock.js';
import { workerEntry, type WorkerEntry } from '../../kernel/worker-entry.js';
import { openArtifact, type SealedArtifact } from '../../policies/artifact.js';
import type { DecisionContext } from '../../policies/policy.js';
import { LEARNED_FAMILIES } from '../../policies/registry/learned-families.js';
import { PolicyRegistry } from '../../policies/registry/registry.js';
import { surfaceShape } from '../../surfaces/policy-fit.js';
import { IN_PLACE_BYTES_MAX, ThreadOpener, type ThreadOpenerOptions } from './thread-opener.js';

const ARMS = 20_000;
const context: DecisionContext = {
  surface: 's',
  subjectKind: 'rider',
  personalized: false,
  context: {},
  features: {},
  nowMs: 0,
};
const candidates = ['arm-3', 'new', 'arm-19999'].map((id) => ({ id, features: {}, nonPersonal: true }));
const entryOf = (file: string): WorkerEntry => ({
  url: new URL(`../../../test/support/${file}.mjs`, import.meta.url),
  execArgv: [],
});

const openers: ThreadOpener[] = [];
const openerWith = (options: Partial<ThreadOpenerOptions> = {}): ThreadOpener => {
  const opener = new ThreadOpener({ surfaces: [], clock: systemClock, ...options });
  openers.push(opener);
  return opener;
};
afterEach(() => Promise.all(openers.splice(0).map((opener) => opener.stop())));
/** For many tests: a thread takes its time to start. */
const shared = new ThreadOpener({ surfaces: [], clock: systemClock });
afterAll(() => shared.stop());

/** A deadline that passes when the test says so. */
function heldClock(): { clock: Clock; pass: () => void } {
  const due: (() => void)[] = [];
  return {
    clock: {
      ...systemClock,
      after: (_, task) => {
        due.push(task);
        return () => void due.splice(due.indexOf(task), 1);
      },
    },
    pass: () => due.splice(0).forEach((task) => task()),
  };
}

/** Turns of the event loop until it is settled. */
async function turnsDuring(task: Promise<unknown>): Promise<number> {
  let turns = 0;
  let over = false;
  const settled = task.then(
    () => (over = true),
    () => (over = true),
  );
  while (!over) {
    await new Promise((resolve) => setImmediate(resolve));
    turns++;
  }
  await settled;
  return turns;
}

const registered = async (opener: ThreadOpener, ...versions: SealedArtifact[]) => {
  const registry = new PolicyRegistry(opener);
  for (const { head, bytes } of versions) await registry.offer(head.policy, bytes);
  return registry;
};

describe('a large artifact', () => {
  it('is opened while the event loop goes on turning, and decides as one that is opened in place', async () => {
    const registry = new PolicyRegistry(openerWith());
    const { head, bytes } = thompsonOf(1, ARMS);
    const offered = registry.offer(head.policy, bytes);
    // Opened on the loop, it would be live by now or never let a turn in between.
    expect(await turnsDuring(offered)).toBeGreaterThan(20);
    const policy = registry.get(POLICY_ID)!;
    const { policy: inPlace } = await openerInPlace(LEARNED_FAMILIES).open(bytes, head.policy);
    expect(policy.ref).toEqual({ id: POLICY_ID, version: 1 });
    expect(policy.distribution(context, candidates)).toEqual(inPlace.distribution(context, candidates));
    expect(policy.scores(context, candidates)).toEqual(inPlace.scores(context, candidates));
    expect(registry.status()).toMatchObject([{ family: 'beta-thompson', publishedAtMs: 1, refused: undefined }]);
  });

  it.each<[string, Buffer]>([
    ['JSON_TOO_DEEP', Buffer.from('['.repeat(4_000_000))],
    ['JSON_TOO_MANY_KEYS', Buffer.from(JSON.stringify(Object.fromEntries(Object.entries(armsOf(100_001)))))],
    ['JSON_TOO_MANY_TOKENS', Buffer.from(`[${'1,'.repeat(1_000_000)}1]`)],
    ['ARTIFACT_TOO_LARGE', Buffer.alloc(8 * 1024 * 1024 + 1, ' ')],
    ['ARTIFACT_MALFORMED', Buffer.alloc(IN_PLACE_BYTES_MAX + 1, ' ')],
    ['ARTIFACT_MALFORMED', Buffer.from(thompsonOf(2, ARMS).bytes).subarray(0, -1)],
    ['ARTIFACT_MISNAMED', Buffer.from(thompsonOf(7, ARMS).bytes)],
    [
      'ARTIFACT_CHECKSUM',
      Buffer.from(Buffer.from(thompsonOf(2, ARMS).bytes).toString().replace('"arm-9":[4', '"arm-9":[5')),
    ],
    ['ARTIFACT_FAMILY_UNKNOWN', Buffer.from(artifactOf(2, { arms: armsOf(ARMS) }, '__proto__').bytes)],
    [
      'POLICY_PARAMETERS',
      Buffer.from(artifactOf(2, { arms: { ...armsOf(ARMS), odd: ['x', 1] }, prior: [1, 1] }).bytes),
    ],
  ])(
    'that is hostile or broken is refused with %s; what is live stays, and the next one comes',
    async (code, bytes) => {
      const registry = await registered(shared, thompsonOf(1, ARMS));
      const status = await registry.offer({ id: POLICY_ID, version: 2 }, bytes);
      expect(status).toMatchObject({ version: 1, refused: { version: 2, code } });
      const { head, bytes: sound } = thompsonOf(3, ARMS);
      expect(await registry.offer(head.policy, sound)).toMatchObject({ version: 3, refused: undefined });
    },
  );

  it('that serves a surface which is never in its states is refused beside the loop too', async () => {
    const surfaces = [surfaceShape(surfaceWith({ policy: POLICY_ID }))];
    const opener = openerWith({ surfaces });
    const registry = await registered(opener, thompsonOf(1, ARMS));
    const q = Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`hour=${i}`, { a: i }]));
    const { head, bytes } = artifactOf(2, { q, exploration: { kind: 'epsilon-greedy', epsilon: 0.1 } }, 'q-table');
    expect(await registry.offer(head.policy, bytes)).toMatchObject({
      version: 1,
      refused: { version: 2, code: 'ARTIFACT_UNFIT' },
    });
    await expect(opener.check({ head, bytes }, surfaces[0]!.id)).rejects.toMatchObject({ code: 'ARTIFACT_UNFIT' });
    // Handed over were copies: it can still be stored.
    expect(bytes.length).toBeGreaterThan(IN_PLACE_BYTES_MAX);
    await expect(opener.check({ head, bytes }, 'elsewhere')).resolves.toBeUndefined();
  });

  it('whose thread ends is refused with a code; what is live stays, and what is small goes live all the same', async () => {
    const opener = openerWith({ entry: entryOf('dying-worker') });
    const registry = await registered(opener, thompsonOf(1, 3));
    const { head, bytes } = thompsonOf(2, ARMS);
    expect(await registry.offer(head.policy, bytes)).toMatchObject({
      version: 1,
      refused: { version: 2, code: 'ARTIFACT_OPENER_CRASHED' },
    });
    expect(registry.get(POLICY_ID)!.distribution(context, candidates)).toHaveLength(candidates.length);
    const small = thompsonOf(3, 3);
    expect(await registry.offer(small.head.policy, small.bytes)).toMatchObject({ version: 3, refused: undefined });
  });

  it('whose thread hangs is given up at the deadline, with its thread', async () => {
    const { clock, pass } = heldClock();
    const opener = openerWith({ entry: entryOf('silent-worker'), clock });
    const asked = opener.open(thompsonOf(1, ARMS).bytes, { id: POLICY_ID, version: 1 });
    const next = opener.open(thompsonOf(1, ARMS).bytes, { id: POLICY_ID, version: 1 });
    const outcomes = Promise.allSettled([asked, next]);
    // Each has a deadline of its own: the second one's begins when the first is over.
    for (let given = 0; given < 2; given++) {
      await new Promise((resolve) => setImmediate(resolve));
      pass();
    }
    const codes = (await outcomes).map(
      (outcome) => ((outcome as PromiseRejectedResult).reason as { code: string }).code,
    );
    expect(codes).toEqual(['ARTIFACT_OPENER_HUNG', 'ARTIFACT_OPENER_HUNG']);
  });

  it('is not opened by a process that stops', async () => {
    const opener = openerWith();
    const asked = opener.open(thompsonOf(1, ARMS).bytes, { id: POLICY_ID, version: 1 });
    await opener.stop();
    await expect(asked).rejects.toMatchObject({ code: 'ARTIFACT_OPENER_STOPPED' });
    await expect(opener.open(thompsonOf(1, ARMS).bytes, { id: POLICY_ID, version: 1 })).rejects.toMatchObject({
      code: 'ARTIFACT_OPENER_STOPPED',
    });
  });

  it('gets a thread that ends when there is nothing more to open, and another one later', async () => {
    const { clock, pass } = heldClock();
    let launches = 0;
    const own = workerEntry('./opener-worker', import.meta.url);
    const opener = new ThreadOpener({
      surfaces: [],
      clock,
      get entry() {
        launches++;
        return own;
      },
    });
    openers.push(opener);
    for (const version of [1, 2]) {
      const { head, bytes } = thompsonOf(version, ARMS);
      expect((await opener.open(bytes, head.policy)).head).toEqual(head);
      await new Promise((resolve) => setImmediate(resolve));
      pass();
    }
    expect(launches).toBe(2);
  });
});

describe('what becomes an artifact', () => {
  it.each([3, ARMS])('is sealed the same beside the loop as in place: %d arms', async (arms) => {
    const opener = openerWith();
    const parameters = { arms: armsOf(arms), prior: [1, 1] };
    const lineage = { learner: 'l', experiences: 1, sequence: 2, createdAtMs: 3 };
    const label = { policy: { id: POLICY_ID, version: 4 }, lineage };
    const { head, bytes } = await opener.seal(publicationOf(JSON.stringify(parameters)), label, 's');
    const artifact = openArtifact(bytes);
    expect(artifact).toMatchObject({ ...label, family: 'beta-thompson', parameters, checksum: head.checksum });
    const again = await opener.reseal(bytes, { id: POLICY_ID, version: 5 }, { parent: 4, createdAtMs: 9 });
    expect(openArtifact(again.bytes)).toEqual({
      ...artifact,
      policy: { id: POLICY_ID, version: 5 },
      lineage: { ...lineage, parent: 4, createdAtMs: 9 },
      checksum: again.head.checksum,
    });
  });

  it('is refused where whoever opens it would refuse it: as deep as a publication may be is one too deep', async () => {
    const opener = openerWith();
    const deep = `{"arms":{},"prior":[1,1],"x":${'['.repeat(31)}${']'.repeat(31)}}`;
    const label = {
      policy: { id: POLICY_ID, version: 1 },
      lineage: { learner: 'l', experiences: 0, sequence: 0, createdAtMs: 0 },
    };
    await expect(opener.seal(publicationOf(deep), label, 's')).rejects.toMatchObject({ code: 'JSON_TOO_DEEP' });
  });
});
