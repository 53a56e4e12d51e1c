/** What threw while decisions were made: in this process, and what other hosts say in their status. */
import type { FaultDirectory, StatusSource } from '../gateway/ports.js';
import type { FaultBook, FaultCount } from '../policies/fault-book.js';

export class ClusterFaults implements FaultDirectory {
  constructor(
    private readonly hostId: string,
    private readonly own: Pick<FaultBook, 'list'>,
    private readonly status: Pick<StatusSource, 'hosts'>,
  ) {}

  /** Each once, whichever processes it happened in. */
  async list(deadlineMs: number): Promise<readonly FaultCount[]> {
    const hosts = (await this.status.hosts(deadlineMs)) as readonly { host?: string; faults?: readonly FaultCount[] }[];
    const sums = new Map<string, FaultCount>();
    const others = hosts.filter(({ host }) => host !== this.hostId);
    for (const fault of [...this.own.list(), ...others.flatMap(({ faults }) => faults ?? [])]) {
      const key = JSON.stringify([fault.part, fault.id, fault.version, fault.surface, fault.reason]);
      const known = sums.get(key);
      sums.set(key, known === undefined ? fault : { ...known, count: known.count + fault.count });
    }
    return [...sums.values()];
  }
}
