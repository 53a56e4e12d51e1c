export { loadConfig, type ConfigSection, type ConfigSources } from './load.js';
export { isLoopback, type Config, type Role } from './schema.js';
