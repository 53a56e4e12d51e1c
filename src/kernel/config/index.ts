export { configInvalid, loadConfig, readConfig, type ConfigSection, type ConfigSources } from './load.js';
export { isLoopback, type Config, type Problem, type Role } from './schema.js';
export { readYamlFolder } from './yaml-folder.js';
