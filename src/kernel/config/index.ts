export { loadConfig, type ConfigSection, type ConfigSources } from './load.js';
export type { Config, Role } from './schema.js';
