/** A keeper without a thread: its loop and its remote side in this process, on buckets and a clock of the test's. */
import type { Clock } from '../../src/kernel/clock.js';
import { KeeperLoop } from '../../src/actors/keeper/keeper-loop.js';
import { LeaseCells } from '../../src/actors/keeper/lease-cells.js';
import { RemoteKeeper } from '../../src/actors/keeper/remote-keeper.js';
import type { KeeperBuckets } from '../../src/actors/host/ports.js';
import { ALL_PROTECTIONS, type Protections } from '../../src/actors/host/protections.js';

export interface LocalKeeperOptions extends KeeperBuckets {
  readonly clock: Clock;
  readonly ttlMs: number;
  /** Half of `ttlMs` if left out. */
  readonly hungAfterMs?: number;
  /** A round trip through the main connection; always one if left out. */
  readonly ping?: () => Promise<void>;
  readonly protections?: Protections;
}

export interface LocalKeeper {
  readonly keeper: RemoteKeeper;
  readonly cells: LeaseCells;
  /** As if its thread had ended: nothing of it goes on. */
  kill(): void;
  /** Another one after it. */
  launch(): void;
}

export function localKeeper(options: LocalKeeperOptions): LocalKeeper {
  const { leases, hosts, clock, ttlMs, hungAfterMs = ttlMs / 2, protections = ALL_PROTECTIONS } = options;
  const cells = LeaseCells.create(32);
  const keeper = new RemoteKeeper({ cells, clock, hungAfterMs, ping: options.ping ?? (() => Promise.resolve()) });
  let end: () => void = () => undefined;
  const launch = (): void => {
    let alive = true;
    const living: Clock = { ...clock, after: (ms, task) => clock.after(ms, () => alive && task()) };
    const loop = new KeeperLoop({
      leases,
      hosts,
      cells,
      clock: living,
      ttlMs,
      hungAfterMs,
      reply: (reply) => alive && keeper.receive(reply),
      log: { warn: () => undefined },
      protections,
    });
    loop.start();
    keeper.connect((message) => alive && void loop.handle(message));
    end = () => {
      alive = false;
      keeper.disconnect();
    };
  };
  launch();
  keeper.start();
  return { keeper, cells, kill: () => end(), launch };
}
