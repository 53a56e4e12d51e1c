import type { SeededRandom } from '../../kernel/random.js';
import type { FoldSettings } from '../../messages/settings.js';
import type { Apps } from './apps.js';
import type { Seen, Violation } from './checks.js';
import type { CrowdPlan } from './crowd.js';
import type { Cast } from './fleet.js';
import type { Replay } from './replay.js';

export interface WorkloadOptions {
  readonly apps: Apps;
  readonly random: SeededRandom;
  readonly partitions: number;
  /** Actions begin before this time. */
  readonly untilMs: number;
  /** What another app does meanwhile. */
  readonly crowd: CrowdPlan | undefined;
}

/** What apps do in one run, and what they must find in the end. */
export interface Workload<Shared> {
  /** Puts its actions on the timeline. */
  start(): void;
  /** Asks owners for the states of actors, after everything has settled. */
  look(): Promise<Seen[]>;
  check(replays: readonly Replay<Shared>[]): Violation[];
  /** Answers that promised something. */
  readonly acknowledged: number;
}

/** The actors of a run and the apps that use them. */
export interface Scenario<Shared> {
  readonly name: string;
  readonly cast: Cast<Shared>;
  /** Hosts of another `variant` are configured differently; the barrier in force says by what all of them fold. */
  settings(partitions: number, variant: number): FoldSettings;
  /** What must hold after every record of a partition; says what does not. */
  readonly invariant?: (replay: Replay<Shared>) => string | undefined;
  /** Whether its timers come to an end when nobody does anything any more. */
  readonly restful: boolean;
  workload(options: WorkloadOptions): Workload<Shared>;
}
