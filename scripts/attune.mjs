#!/usr/bin/env node
/** The `attune` command: builds what is not built yet, then runs it. */
import './build-if-stale.mjs';

const { attune } = await import('../dist/cli/attune.js');
process.exitCode = await attune(process.argv.slice(2));
