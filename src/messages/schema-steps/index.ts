/**
 * The steps from each kept schema to the next, oldest first. A change of what is stored adds its step here: a file of its own
 * that takes data up, so that it is read, and down again, so that a build that is newer than its cluster writes what the
 * others read. Empty as long as the first kept schema is the newest.
 */
import type { SchemaStep } from '../versions.js';

export const SCHEMA_STEPS: readonly SchemaStep[] = [];
