/** The zone's demand balance as a machine: three modes, and the crossings of a threshold that lead between them. */
import { createMachine, transition } from 'xstate';
import type { ZONE_MODES } from '../../messages/zones.js';

export type ZoneMode = (typeof ZONE_MODES)[number];
export type Crossing = 'fell-short' | 'evened-out' | 'ran-over';

export const zoneMachine = createMachine({
  id: 'zone',
  types: { events: {} as { type: Crossing } },
  initial: 'balanced',
  states: {
    balanced: { on: { 'fell-short': 'undersupplied', 'ran-over': 'oversupplied' } },
    undersupplied: { on: { 'evened-out': 'balanced', 'ran-over': 'oversupplied' } },
    oversupplied: { on: { 'evened-out': 'balanced', 'fell-short': 'undersupplied' } },
  },
});

export interface BalanceSettings {
  readonly enterRatio: number;
  readonly leaveRatio: number;
}

/** (demand + 1) / (supply + 1): the ones stand for what is not seen, and let an idle zone come back to balance. */
export const balanceRatio = (demand: number, supply: number): number => (demand + 1) / (supply + 1);

/**
 * Which threshold `ratio` crosses from `mode`, if any. A mode is entered beyond enterRatio and left within leaveRatio,
 * so that a ratio between the two changes nothing.
 */
export function crossingOf(mode: ZoneMode, ratio: number, settings: BalanceSettings): Crossing | undefined {
  const { enterRatio, leaveRatio } = settings;
  if (mode !== 'undersupplied' && ratio >= enterRatio) return 'fell-short';
  if (mode !== 'oversupplied' && ratio <= 1 / enterRatio) return 'ran-over';
  if (mode === 'undersupplied' && ratio <= leaveRatio) return 'evened-out';
  if (mode === 'oversupplied' && ratio >= 1 / leaveRatio) return 'evened-out';
  return undefined;
}

/** The mode after `ratio`. The machine is asked only when a threshold is crossed: a transition costs 40 µs. */
export function modeAfter(mode: ZoneMode, ratio: number, settings: BalanceSettings): ZoneMode {
  const crossing = crossingOf(mode, ratio, settings);
  if (crossing === undefined) return mode;
  const [next] = transition(zoneMachine, zoneMachine.resolveState({ value: mode }), { type: crossing });
  return next.value as ZoneMode;
}
