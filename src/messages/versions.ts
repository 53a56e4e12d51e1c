/**
 * What stored data says of its own form, and of the rules it was folded by. Every codec reads and writes through this
 * file: older data is taken up step by step, newer data and data from before the first kept schema are refused by codes of
 * their own, and nothing of either kind is ever called damaged.
 */
import { EngineError } from '../kernel/errors.js';
import { SCHEMA_STEPS } from './schema-steps/index.js';

/** Newest schema of stored data that this build reads and writes. */
export const RECORD_VERSION = 2;
/** Data of an older schema is of a cluster from before anything was kept. */
const FIRST_KEPT_VERSION = 2;
/** Newest meaning of records that this build's folds know; one more with each change of what a fold makes of a record. */
const SEMANTICS = 1;

/** What is stored, as far as a step needs to tell it apart. */
export type StoredForm =
  | 'decision'
  | 'command'
  | 'timer'
  | 'output'
  | 'barrier'
  | 'marker'
  | 'verdict'
  | 'redrive'
  | 'experience'
  | 'dead-letter'
  | 'snapshot'
  | 'checkpoint'
  | 'learner-checkpoint';

export type Stored = Readonly<Record<string, unknown>>;

/** One change of schema. Pure; the version itself is none of its business. */
export interface SchemaStep {
  /** The schema of what `up` is given; it gives the next one's. */
  readonly from: number;
  up(form: StoredForm, data: Stored): Stored;
  /** The way back, for what an older build is to read: `up` of it is the data again, as far as folds look at it. */
  down(form: StoredForm, data: Stored): Stored;
}

/** What one build reads, and what it knows the meaning of. */
export interface Build {
  readonly schema: number;
  readonly oldestSchema: number;
  readonly semantics: number;
  readonly oldestSemantics: number;
  readonly steps: readonly SchemaStep[];
}

export const THIS_BUILD: Build = Object.freeze({
  schema: RECORD_VERSION,
  oldestSchema: FIRST_KEPT_VERSION,
  semantics: SEMANTICS,
  oldestSemantics: 1,
  steps: SCHEMA_STEPS,
});

/** What hosts write, and which rules their records are folded by: all of a cluster alike, and never less than before. */
export interface ClusterVersions {
  readonly schema: number;
  readonly semantics: number;
}

/** What a cluster begins with that this build makes. */
export const versionsOf = ({ schema, semantics }: Build): ClusterVersions => ({ schema, semantics });

/** How one build reads what is stored, and in which schema it writes: the cluster's, which others read too. */
export class DataSchema {
  constructor(
    readonly build: Build,
    readonly writes: number,
  ) {}

  /** Whether what is written is read again as it was, without a step. */
  get isNewest(): boolean {
    return this.writes === this.build.schema;
  }

  /**
   * Stored data as this build's newest schema has it. Throws Configuration `DATA_TOO_NEW` or `DATA_TOO_OLD`, and an Error
   * where the data names no version: it is damaged then.
   */
  read(form: StoredForm, data: Stored): Stored {
    const { build } = this;
    const version = data['v'];
    if (version === build.schema) return data;
    if (!Number.isSafeInteger(version) || (version as number) < 1) throw new Error('it names no schema version');
    assertSchema(form, version as number, build);
    let upcast = data;
    for (let from = version as number; from < build.schema; from++) upcast = stepFrom(from, build).up(form, upcast);
    return { ...upcast, v: build.schema };
  }

  /** What is to be stored of data of this build's newest schema. */
  write(form: StoredForm, data: Stored): Stored {
    const { build, writes } = this;
    let downcast = data;
    for (let from = build.schema - 1; from >= writes; from--) downcast = stepFrom(from, build).down(form, downcast);
    return { ...downcast, v: writes };
  }
}

/** Of what reads only, or stands outside any cluster. */
export const THIS_SCHEMA = new DataSchema(THIS_BUILD, RECORD_VERSION);

/** Throws Configuration `DATA_TOO_NEW` or `DATA_TOO_OLD`. */
export function assertSchema(what: string, version: number, { schema, oldestSchema }: Build = THIS_BUILD): void {
  if (version > schema) {
    throw refusal(
      'DATA_TOO_NEW',
      `A newer build has written this ${what}: its schema is ${version}, and this build reads up to ${schema}. ` +
        'Run that build here, too.',
    );
  }
  if (version < oldestSchema) {
    throw refusal(
      'DATA_TOO_OLD',
      `This ${what} has schema ${version}, and the oldest that this build reads is ${oldestSchema}. Begin a new ` +
        'cluster: another NATS account, or an empty state directory.',
    );
  }
}

/** Throws Configuration `SEMANTICS_TOO_NEW` or `SEMANTICS_TOO_OLD`. */
export function assertSemantics(version: number, { semantics, oldestSemantics }: Build = THIS_BUILD): void {
  if (version > semantics) {
    throw refusal(
      'SEMANTICS_TOO_NEW',
      `Records are folded by rules of version ${version} here, and this build knows them up to ${semantics}. Run the ` +
        'build that raised them.',
    );
  }
  if (version < oldestSemantics) {
    throw refusal(
      'SEMANTICS_TOO_OLD',
      `Records are folded by rules of version ${version} here, and the oldest that this build knows are ` +
        `${oldestSemantics}. Run an older build first, until its checkpoints have passed these records.`,
    );
  }
}

const CODES: ReadonlySet<string> = new Set(['DATA_TOO_NEW', 'DATA_TOO_OLD', 'SEMANTICS_TOO_NEW', 'SEMANTICS_TOO_OLD']);

/** Whether data was refused for its version: another build's to judge, and neither damaged nor poison. */
export const isVersionRefusal = (error: unknown): error is EngineError =>
  error instanceof EngineError && CODES.has(error.code);

function stepFrom(from: number, { steps }: Build): SchemaStep {
  const step = steps.find((candidate) => candidate.from === from);
  if (!step) throw new Error(`there is no step from schema ${from} to ${from + 1}`);
  return step;
}

const refusal = (code: string, message: string): EngineError => new EngineError('Configuration', code, message);
