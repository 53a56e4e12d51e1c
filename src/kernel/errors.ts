/** What the receiver of an error should do about it. */
export type Disposition = 'reject' | 'retry' | 'passivate' | 'crash';

export type ErrorFamily =
  | 'InvalidRequest'
  | 'NotFound'
  | 'Conflict'
  | 'Overloaded'
  | 'Dependency'
  | 'StaleOwner'
  | 'Invariant'
  | 'Configuration'
  | 'Unauthenticated'
  | 'Forbidden';

const DISPOSITIONS: Record<ErrorFamily, Disposition> = {
  InvalidRequest: 'reject',
  NotFound: 'reject',
  Conflict: 'reject',
  Overloaded: 'retry',
  Dependency: 'retry',
  StaleOwner: 'retry',
  Invariant: 'crash',
  Configuration: 'crash',
  Unauthenticated: 'reject',
  Forbidden: 'reject',
};

export interface ErrorDetail {
  /** Path of the offending field, as in `candidates[3].id`. */
  readonly field?: string;
  /** For `retry`: how long to wait before the next attempt. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** The wire form: codes, never classes, cross processes. */
export interface WireError {
  readonly family: ErrorFamily;
  readonly code: string;
  readonly message: string;
  readonly field?: string;
  readonly retryAfterMs?: number;
}

/**
 * The one error the engine throws on purpose. `code` is stable and documented in docs/errors.md;
 * `message` is a sentence for a person and never carries a stack or a secret.
 */
export class EngineError extends Error {
  readonly family: ErrorFamily;
  readonly code: string;
  readonly field: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(family: ErrorFamily, code: string, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = 'EngineError';
    this.family = family;
    this.code = code;
    this.field = detail.field;
    this.retryAfterMs = detail.retryAfterMs;
  }

  get disposition(): Disposition {
    return DISPOSITIONS[this.family];
  }

  toWire(): WireError {
    return {
      family: this.family,
      code: this.code,
      message: this.message,
      ...(this.field === undefined ? {} : { field: this.field }),
      ...(this.retryAfterMs === undefined ? {} : { retryAfterMs: this.retryAfterMs }),
    };
  }

  static fromWire(wire: WireError): EngineError {
    return new EngineError(wire.family, wire.code, wire.message, wire);
  }

  /** Wraps what is not an EngineError as an Invariant, keeping it as the cause. */
  static from(error: unknown): EngineError {
    if (error instanceof EngineError) return error;
    return new EngineError('Invariant', 'INTERNAL', 'The engine failed in a way it did not expect.', { cause: error });
  }
}

export const invalidRequest = (code: string, message: string, field?: string): EngineError =>
  new EngineError('InvalidRequest', code, message, field === undefined ? {} : { field });
