/** What an engine says of itself at `/v1/status`, as far as the bench asks. */
import { setTimeout as pause } from 'node:timers/promises';
import { getJson } from './http-load.js';

const POLL_MS = 100;
const WAIT_MS_MAX = 180_000;

export interface PartitionView {
  readonly partition: number;
  readonly phase: string;
  readonly lag: number;
  readonly sequence: number;
  readonly checkpoint: number;
  readonly activations: number;
  readonly dirty: number;
  readonly recordsInFlight: number;
  readonly outputsUnacknowledged: number;
}

export interface HostView {
  readonly host: string;
  readonly partitions?: readonly PartitionView[];
  readonly learners?: readonly {
    readonly id: string;
    readonly mode: string;
    readonly learned: number;
    readonly lag: number;
  }[];
}

export const hostsOf = async (url: string): Promise<readonly HostView[]> =>
  (await getJson<{ hosts: readonly HostView[] }>(url, '/v1/status')).hosts;

export const partitionsOf = async (url: string): Promise<readonly PartitionView[]> =>
  (await hostsOf(url)).flatMap(({ partitions = [] }) => partitions);

/** Polls until `holds`; rejects after minutes, saying what was waited for. */
export async function until(what: string, holds: () => Promise<boolean> | boolean, everyMs = POLL_MS): Promise<void> {
  const givesUpAt = performance.now() + WAIT_MS_MAX;
  while (!(await holds())) {
    if (performance.now() > givesUpAt) throw new Error(`waited in vain: ${what}`);
    await pause(everyMs);
  }
}

/** Everything sent so far is folded, and what that caused has arrived. */
export const folded = (url: string): Promise<void> =>
  until('everything is folded', async () => {
    const partitions = await partitionsOf(url);
    return partitions.every((p) => p.lag === 0 && p.outputsUnacknowledged === 0);
  });

/** Everything folded is in snapshots: nothing is left to write behind. */
export const saved = (url: string): Promise<void> =>
  until('everything is saved', async () => (await partitionsOf(url)).every((p) => p.dirty === 0));
