/** What a learner actor asks of its worker thread. Plain data; bytes are transferred. */
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
