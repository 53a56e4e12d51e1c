export { PromotionGate, type Candidate, type GateView } from './gate.js';
export { savedGateSchema, type SavedGate } from './gate-state.js';
export { gateSettingsSchema, type GateSettings } from './settings.js';
