import type { KeyObject } from 'node:crypto';
import type { FaultSink } from '../../policies/fault-book.js';
import type { PolicyDirectory } from '../../policies/policy.js';
import type { CandidateSource } from '../../surfaces/candidate-source.js';
import type { Surface } from '../../surfaces/surface.js';
import type { ZoneDirectory } from '../../messages/zones.js';

/** What deciding needs beside the subject's own state. All of it is read-only and in memory. */
export interface DecisionServices {
  readonly surfaces: ReadonlyMap<string, Surface>;
  readonly policies: PolicyDirectory;
  /** By name: `zones`, `campaigns`. */
  readonly sources: ReadonlyMap<string, CandidateSource>;
  readonly zones: ZoneDirectory;
  /**
   * Seeds the sampling of slates, and hides who is behind an anonymous actor; the same on all hosts of a cluster. A
   * KeyObject, as with raw bytes each use costs four times as much.
   */
  readonly samplingKey: KeyObject;
  /** Hears what threw and was passed over. */
  readonly faults?: FaultSink;
}
