import type { LeaseValue } from '../keeper/keeper.js';
import { KeeperLoop } from '../keeper/keeper-loop.js';
import { LeaseCells } from '../keeper/lease-cells.js';
import { RemoteKeeper } from '../keeper/remote-keeper.js';
import type { Protections } from '../host/protections.js';
import { SimulatedProcess, type ClockFaults } from './clock.js';
import { SimulatedCluster } from './cluster.js';
import { SimulatedConnection, type BreakFate } from './connection.js';

/** From one thread to the other. */
const PORT_MS = 0.02;
/** From the end of a keeper's thread to the next one. */
const RESTART_MS = 300;
const CELLS = 64;

export interface SimulatedKeeperOptions {
  /** The host's main thread, and its connection. */
  readonly main: SimulatedProcess;
  readonly connection: SimulatedConnection;
  readonly faults: ClockFaults;
  readonly ttlMs: number;
  readonly hungAfterMs: number;
  readonly protections: Protections;
}

/** The keeper of one simulated host: a thread and a connection of its own, which are paused, cut and killed alone. */
export class SimulatedKeeper {
  readonly remote: RemoteKeeper;
  process!: SimulatedProcess;
  connection!: SimulatedConnection;
  /** How often its connection has broken. */
  breaks = 0;
  private readonly cells = LeaseCells.create(CELLS);
  private ended = false;

  constructor(private readonly options: SimulatedKeeperOptions) {
    const { main, connection, hungAfterMs } = options;
    const { cells } = this;
    const ping = (): Promise<void> => connection.call('ping', () => undefined, false);
    this.remote = new RemoteKeeper({ cells, clock: main.clock, hungAfterMs, ping });
    this.launch();
    main.run(() => this.remote.start());
  }

  /** The thread fails; the main thread hears of it, and starts another one. */
  fail(fate: BreakFate): void {
    const { main } = this.options;
    if (this.process.status === 'killed') return;
    main.timeline.note(this.process.name, 'fails');
    this.end(fate);
    main.at(main.timeline.nowMs + PORT_MS, () => this.remote.disconnect());
    main.at(main.timeline.nowMs + RESTART_MS, () => {
      if (!this.ended) this.launch();
    });
  }

  /** With its whole process. */
  kill(fate: BreakFate): void {
    this.ended = true;
    this.end(fate);
  }

  cut(fate: BreakFate, downMs: number): void {
    this.breaks++;
    this.connection.breakOff(fate, downMs);
  }

  private end(fate: BreakFate): void {
    this.breaks++;
    this.process.kill();
    this.connection.breakOff(fate);
  }

  private launch(): void {
    const { main, connection, faults, ttlMs, hungAfterMs, protections } = this.options;
    const { timeline } = main;
    const process = new SimulatedProcess(timeline, `${main.name}k`, faults, main.bootMs);
    this.process = process;
    this.connection = new SimulatedConnection(process, connection.server);
    const { leases, hosts } = new SimulatedCluster(this.connection);
    const loop = new KeeperLoop({
      leases,
      hosts,
      cells: this.cells,
      clock: process.clock,
      ttlMs,
      hungAfterMs,
      reply: (reply) =>
        main.at(timeline.nowMs + PORT_MS, () => {
          if (process.status !== 'killed') this.remote.receive(reply);
        }),
      log: { warn: (message, fields) => timeline.note(process.name, `${message} ${JSON.stringify(fields ?? {})}`) },
      protections,
    });
    process.run(() => loop.start());
    this.remote.connect((message) => process.at(timeline.nowMs + PORT_MS, () => void loop.handle(message)));
  }
}

export const isSameOwner = (bytes: Uint8Array, { host, incarnation }: LeaseValue): boolean => {
  const value = JSON.parse(Buffer.from(bytes).toString('utf8')) as LeaseValue;
  return value.host === host && value.incarnation === incarnation;
};
