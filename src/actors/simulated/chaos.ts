import type { SeededRandom } from '../../kernel/random.js';
import type { SimulatedConnection } from './connection.js';
import { CALM, TURN_BACK_MS_MAX, type FaultPlan } from './faults.js';
import type { Fleet } from './fleet.js';
import type { SimulatedServer } from './server.js';

export interface ChaosOptions {
  readonly plan: FaultPlan;
  readonly random: SeededRandom;
  readonly hosts: number;
  /** Connections of apps, which break too. */
  readonly apps: readonly SimulatedConnection[];
  /** Begins to flood a partition's journal. */
  readonly flood: (partition: number) => void;
  readonly untilMs: number;
}

/** Lets the planned faults happen at drawn times before `untilMs`; then everything is made good again. */
export function unleash<Shared>(server: SimulatedServer, fleet: Fleet<Shared>, options: ChaosOptions): void {
  const { plan, random, hosts, apps, untilMs } = options;
  const { timeline } = server;
  const { incidents, weather } = plan;
  const between = (min: number, max: number): number => min + (max - min) * random.next();
  const slot = (): number => Math.floor(random.next() * hosts);
  const fate = (): 'lost' | 'late' => (random.next() < weather.lateAfterBreak ? 'late' : 'lost');
  const later = (delayMs: number, task: () => void): void => void timeline.at(timeline.nowMs + delayMs, task);
  const times = (count: number, incident: () => void): void => {
    for (let i = 0; i < count; i++) timeline.at(between(500, untilMs), incident);
  };
  const restart = (at: number): void => {
    later(between(50, 4_000), () => {
      if (fleet.members[at] === undefined) fleet.start(at);
    });
  };

  server.weather = weather;
  server.onSnapshot = (connection) => {
    if (!timeline.chance(server.weather.killAtSnapshot)) return;
    const at = fleet.slotOf(connection);
    if (at === -1) return;
    fleet.kill(at, fate());
    restart(at);
  };
  times(incidents.kills, () => {
    const at = slot();
    fleet.kill(at, fate());
    restart(at);
  });
  times(incidents.pauses, () => {
    const at = slot();
    const member = fleet.members[at];
    fleet.pause(at);
    if (random.next() < 0.5) member?.connection.breakOff(fate(), between(0, 3_000));
    later(between(100, 8_000), () => fleet.resume(at));
  });
  times(incidents.hangs, () => {
    const at = slot();
    fleet.hang(at);
    later(between(50, 8_000), () => fleet.resume(at));
  });
  times(incidents.keeperPauses, () => {
    const keeper = fleet.members[slot()]?.keeper.process;
    keeper?.pause();
    later(between(50, 8_000), () => keeper?.resume());
  });
  times(incidents.keeperOutages, () => fleet.members[slot()]?.keeper.cut(fate(), between(0, 6_000)));
  times(incidents.keeperFailures, () => fleet.members[slot()]?.keeper.fail(fate()));
  times(incidents.outages, () => fleet.members[slot()]?.connection.breakOff(fate(), between(100, 6_000)));
  times(incidents.breaks, () => {
    const everybody = [...fleet.members.map((member) => member?.connection), ...apps];
    everybody[Math.floor(random.next() * everybody.length)]?.breakOff(fate());
  });
  times(incidents.serverRestarts, () => server.restart(between(50, 3_000)));
  times(incidents.diskFull, () => {
    timeline.note('server', 'disk full');
    server.diskFullUntilMs = timeline.nowMs + between(100, 3_000);
  });
  times(incidents.floods, () => options.flood(Math.floor(random.next() * server.journals.length)));
  times(incidents.keysUnavailable, () => {
    timeline.note('server', 'keys out of reach');
    server.keysDownUntilMs = timeline.nowMs + between(100, 4_000);
  });
  times(incidents.wallJumps, () => fleet.members[slot()]?.process.jumpWall(between(-3_600_000, 3_600_000)));
  times(incidents.clockTurns, () => server.turnBack(between(1, TURN_BACK_MS_MAX)));
  times(incidents.gracefulStops, () => {
    const at = slot();
    fleet.leave(at, () => restart(at));
  });
  timeline.at(untilMs, () => {
    timeline.note('server', 'the weather is calm from now on');
    server.weather = CALM;
    server.diskFullUntilMs = server.keysDownUntilMs = 0;
    for (let at = 0; at < hosts; at++) {
      fleet.resume(at);
      if (fleet.members[at] === undefined) restart(at);
    }
  });
}
