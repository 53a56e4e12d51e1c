/** What passes between a learner actor and its worker thread. Plain data; bytes are transferred. */
import type { WireError } from '../../../kernel/errors.js';
import type { ArtifactMeta, CheckpointMeta, ExperienceRecord, GateStep, SessionSpec } from '../trainer.js';

export type WorkerCall =
  | { readonly call: 'start'; readonly spec: SessionSpec; readonly checkpoint: Uint8Array | undefined }
  | {
      readonly call: 'fold';
      readonly records: readonly ExperienceRecord[];
      readonly idle: boolean;
      readonly deadlineMs: number;
    }
  | { readonly call: 'export'; readonly meta: ArtifactMeta }
  | { readonly call: 'save'; readonly meta: CheckpointMeta }
  | { readonly call: 'gate'; readonly step: GateStep };

/** Calls are answered in order, one each. */
export type WorkerAnswer =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: WireError };
