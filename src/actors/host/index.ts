export { Host, type HostOptions, type HostStatus } from './host.js';
export type { AppsOfHost } from './app-backlog.js';
export type { Asker } from './actor-kind.js';
export { DEFAULT_HOST_LIMITS, type HostLimits } from './limits.js';
export type { Protections } from './protections.js';
