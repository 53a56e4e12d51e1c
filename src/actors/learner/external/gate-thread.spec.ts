import { afterEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { experience, SURFACE } from '../../../../test/support/learning.js';
import { systemClock } from '../../../kernel/clock.js';
import { gateSettingsSchema } from '../../../learners/promotion/index.js';
import { encodedArtifact, sealArtifact } from '../../../policies/artifact.js';
import type { GateSpec, Proposal } from './gate-session.js';
import { GateThread } from './gate-thread.js';

const spec: GateSpec = { learner: 'l', surface: SURFACE, gate: gateSettingsSchema.parse({ decisionsMin: 20 }) };
const lineage = { learner: 'l', experiences: 0, sequence: 0, createdAtMs: 1 };
const first = encodedArtifact(
  sealArtifact({
    schema: 1,
    family: 'beta-thompson',
    policy: { id: 'p', version: 1 },
    parameters: { arms: {}, prior: [1, 1] },
    lineage,
  }),
);
const parameters = '{"arms":{"a":[40,2],"b":[2,40]},"prior":[1,1]}';
const proposal: Proposal = {
  publication: {
    family: 'beta-thompson',
    parameters,
    sha256: createHash('sha256').update(parameters).digest('hex'),
    bytesMax: 1024,
  },
  lineage: { experiences: 7, sequence: 9 },
};

const gates: GateThread[] = [];
const launch = (): GateThread => {
  const gate = new GateThread({ clock: systemClock, heapMbMax: 64 });
  gates.push(gate);
  return gate;
};
afterEach(() => Promise.all(gates.splice(0).map((gate) => gate.stop())));

describe('the thread of a gate', () => {
  it('puts what is proposed on trial, judges, and goes on from its checkpoint in another thread', async () => {
    const gate = launch();
    const running = await gate.begin(spec, undefined);
    expect(running.started).toMatchObject({ cursor: null, progress: { gate: { candidates: 0 } } });
    await running.gate({ step: 'adopt', artifact: first.bytes });
    const step = { step: 'propose' as const, policyId: 'p', createdAtMs: 2 };
    const { challenger } = await running.gate(step, proposal);
    expect(challenger).toMatchObject({ policy: { id: 'p', version: 2 }, lineage: { parent: 1, experiences: 7 } });
    const log = { slate: [{ id: 'a', propensity: 0.5 }], eligible: ['a', 'b'], distribution: [0.5, 0.5] };
    const seen = Array.from({ length: 5 }, (_, i) => experience({ decisionId: `d${i}`, ...log, reward: 1 }));
    const { gate: view } = await running.judge(seen);
    expect(view).toMatchObject({ heldOut: 5, current: { decisions: 5 } });
    const saved = await running.save({ v: 2, epoch: 1, savedAtMs: 3 }, 'here');
    const next = await launch().begin(spec, saved);
    expect(next.started).toEqual({ cursor: 'here', progress: { gate: view } });
    const { artifact } = await next.gate({ step: 'fetch' });
    expect(JSON.parse(Buffer.from(artifact!.bytes).toString())).toMatchObject({
      checksum: challenger!.checksum,
      parameters: JSON.parse(parameters),
    });
  });

  it('answers a session that is over no more: its evidence is not that of the next one', async () => {
    const gate = launch();
    const former = await gate.begin(spec, undefined);
    await former.gate({ step: 'adopt', artifact: first.bytes });
    const [late, present] = [former.judge([experience()]), gate.begin(spec, undefined)];
    await expect(former.judge([experience()])).rejects.toMatchObject({ code: 'LEARNER_STOPPED' });
    await late.catch(() => undefined);
    const next = await present;
    expect(next.started.progress.gate).toMatchObject({ heldOut: 0, alias: { champion: null } });
    expect([former.isOver, next.isOver]).toEqual([true, false]);
    await gate.stop();
    await expect(next.judge([experience()])).rejects.toMatchObject({ code: 'LEARNER_STOPPED' });
  });

  it('that ends is told as such, and the next session gets another thread', async () => {
    const entry = { url: new URL('../../../../test/support/dying-worker.mjs', import.meta.url), execArgv: [] };
    const gate = new GateThread({ clock: systemClock, heapMbMax: 64, entry });
    gates.push(gate);
    for (let time = 0; time < 2; time++)
      await expect(gate.begin(spec, undefined)).rejects.toMatchObject({ code: 'GATE_CRASHED', family: 'Dependency' });
  });

  it('refuses a checkpoint that is none of its own, and goes on', async () => {
    const gate = launch();
    const foreign = Buffer.from('{"v":2,"learner":"l","kind":"external"}');
    await expect(gate.begin(spec, foreign)).rejects.toMatchObject({ code: 'CHECKPOINT_FOREIGN' });
    expect((await gate.begin(spec, undefined)).started.cursor).toBeNull();
  });
});
