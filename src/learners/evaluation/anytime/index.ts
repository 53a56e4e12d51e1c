export {
  ConfidenceSequence,
  savedConfidenceSequenceSchema,
  type ConfidenceSequenceOptions,
  type SavedConfidenceSequence,
} from './confidence-sequence.js';
export { EProcess, savedEProcessSchema, type SavedEProcess } from './e-process.js';
