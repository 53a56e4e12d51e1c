/** Where cores are scarce, decisions come first: threads that only serve what comes after them stand behind. */
import { getPriority, setPriority } from 'node:os';

/** The last in line: such a thread still gets its turn, and hardly ever before one that decides. */
export const NICENESS = 19;

/** Behind decisions, but not last: for what somebody waits for. */
export const NICENESS_AWAITED = 10;

/** What is needed of the system. */
export interface Scheduling {
  readonly platform: string;
  getPriority(): number;
  setPriority(niceness: number): void;
}

const SYSTEM: Scheduling = { platform: process.platform, getPriority, setPriority };

/** For a worker thread at its start. On Linux it concerns the calling thread alone; elsewhere it may not be had. Never throws. */
export function yieldToDecisions(niceness = NICENESS, system: Scheduling = SYSTEM): void {
  if (system.platform !== 'linux') return;
  try {
    // Never raises it: whoever started this process may have put it behind already, and only root may undo that.
    if (system.getPriority() < niceness) system.setPriority(niceness);
  } catch {
    // It does its work all the same.
  }
}
