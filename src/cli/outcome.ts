/** How a tool ends: exit codes, and what a person is told. */
import { CommanderError, InvalidArgumentError } from 'commander';
import { EngineError } from '../kernel/errors.js';

export const EXIT = {
  ok: 0,
  /** The tool ran, and what it found is not as it should be. */
  mismatch: 1,
  /** Wrong arguments or input. */
  usage: 2,
  /** The engine could not be started, reached or kept going. */
  engine: 3,
  /** Ended by Ctrl-C, as shells count it. */
  interrupted: 130,
} as const;

/** Prints why, without a stack for what is no bug of ours, and gives the exit code. */
export function failureOf(tool: string, error: unknown, print: (line: string) => void): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const known = EngineError.from(error);
  const isBug = known.family === 'Invariant' && error instanceof Error;
  print(`${tool}: ${known.code}: ${isBug ? (error.stack ?? error.message) : known.message}`);
  return known.family === 'InvalidRequest' ? EXIT.usage : EXIT.engine;
}

/** For commander: a number from a text. */
export const numberFrom =
  (min: number, max = Number.MAX_SAFE_INTEGER, whole = true) =>
  (text: string): number => {
    const value = text.trim() === '' ? NaN : Number(text);
    if (value >= min && value <= max && (!whole || Number.isInteger(value))) return value;
    throw new InvalidArgumentError(`It must be a ${whole ? 'whole ' : ''}number from ${min} to ${max}.`);
  };
