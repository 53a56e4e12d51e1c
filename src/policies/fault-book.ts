/**
 * What threw while decisions were made. A policy or a source that throws is passed over, so the decision goes on without
 * it; here it is logged once a version with its stack, counted by reason, and kept for status and metrics.
 */
import { EngineError } from '../kernel/errors.js';
import type { Logger } from '../kernel/logger.js';

export interface Fault {
  readonly part: 'policy' | 'source' | 'feature';
  /** The policy's id, the source's or the feature's name. */
  readonly id: string;
  /** The policy's version; 0 for parts that come with the build. */
  readonly version: number;
  readonly surface: string;
  readonly error: unknown;
}

/** What deciding tells; it must not throw. */
export interface FaultSink {
  report(fault: Fault): void;
}

export interface FaultCount extends Omit<Fault, 'error'> {
  /** An error's code, or `POLICY_THREW`, `SOURCE_THREW`, `FEATURE_THREW` for one without. */
  readonly reason: string;
  readonly count: number;
  /** What the first of them said. */
  readonly message: string;
}

/** Kinds of faults that are told apart; whatever is beyond is counted under the reason `OTHER`. */
export const FAULTS_MAX = 256;

export class FaultBook implements FaultSink {
  readonly #counts = new Map<string, { -readonly [Field in keyof FaultCount]: FaultCount[Field] }>();
  readonly #logged = new Set<string>();

  constructor(private readonly log: Logger) {}

  report({ part, id, version, surface, error }: Fault): void {
    const reason = reasonOf(part, error);
    const known = this.#counts.get(keyOf(part, id, version, surface, reason));
    if (known !== undefined) {
      known.count++;
      return;
    }
    const message = error instanceof Error ? error.message : String(error);
    this.#logOnce({ part, id, version, surface, error }, reason);
    if (this.#counts.size < FAULTS_MAX) return this.#begin({ part, id, version, surface, reason, count: 1, message });
    const rest = this.#counts.get(REST_KEY);
    if (rest !== undefined) rest.count++;
    else this.#counts.set(REST_KEY, { part, id: '', version: 0, surface: '', reason: 'OTHER', count: 1, message: '' });
  }

  /** In the order in which each was first seen. */
  list(): readonly FaultCount[] {
    return Array.from(this.#counts.values(), (count) => ({ ...count }));
  }

  #begin(count: FaultCount): void {
    const { part, id, version, surface, reason } = count;
    this.#counts.set(keyOf(part, id, version, surface, reason), { ...count });
  }

  #logOnce({ part, id, version, surface, error }: Fault, reason: string): void {
    const key = `${part}\0${id}\0${version}`;
    if (this.#logged.has(key) || this.#logged.size >= FAULTS_MAX) return;
    this.#logged.add(key);
    this.log.error('a part of deciding threw and is passed over', { part, id, version, surface, reason, error });
  }
}

const REST_KEY = '';
const keyOf = (...parts: readonly (string | number)[]): string => parts.join('\0');

const THREW: Readonly<Record<Fault['part'], string>> = {
  policy: 'POLICY_THREW',
  source: 'SOURCE_THREW',
  feature: 'FEATURE_THREW',
};

export const reasonOf = (part: Fault['part'], error: unknown): string =>
  error instanceof EngineError ? error.code : THREW[part];
