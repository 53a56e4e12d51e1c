/** CPU time and memory of other processes, as Linux tells them. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** USER_HZ: 100 on every Linux that Node runs on. */
const TICK_US = 10_000;
const SETTLED_SHARE = 0.05;
const SETTLE_PAUSE_MS = 250;
const SETTLE_MS_MAX = 15_000;

interface Stat {
  readonly name: string;
  readonly parent: number;
  readonly cpuUs: number;
}

function statOf(pid: number): Stat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The name is in parentheses and may hold spaces, so fields are counted behind its end.
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  return {
    name: text.slice(text.indexOf('(') + 1, end),
    parent: Number(fields[1]),
    cpuUs: (Number(fields[11]) + Number(fields[12])) * TICK_US,
  };
}

/** User and system time so far, in microseconds, to 10 ms; 0 where there is no such process. */
export const cpuUsOf = (...pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + (statOf(pid)?.cpuUs ?? 0), 0);

/** Processes below `root` whose name begins with `name`. */
export function descendants(root: number, name: string): number[] {
  const stats = new Map<number, Stat>();
  for (const entry of readdirSync('/proc')) {
    const stat = /^\d+$/.test(entry) ? statOf(Number(entry)) : undefined;
    if (stat) stats.set(Number(entry), stat);
  }
  const isBelow = (pid: number): boolean => {
    const parent = stats.get(pid)?.parent ?? 0;
    return parent === root || (parent > 1 && isBelow(parent));
  };
  return [...stats].filter(([pid, stat]) => stat.name.startsWith(name) && isBelow(pid)).map(([pid]) => pid);
}

/** Resolves once these processes have as good as nothing left to do, or after a while that is long enough. */
export async function settle(pids: readonly number[]): Promise<void> {
  const givesUpAt = performance.now() + SETTLE_MS_MAX;
  let before = cpuUsOf(...pids);
  for (;;) {
    await pause(SETTLE_PAUSE_MS);
    const now = cpuUsOf(...pids);
    if (now - before <= SETTLED_SHARE * SETTLE_PAUSE_MS * 1000 || performance.now() > givesUpAt) return;
    before = now;
  }
}
