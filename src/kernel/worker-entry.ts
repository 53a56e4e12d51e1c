/** Where a worker thread begins: compiled code as it is; sources (tests) through Node's own transformation and a hook. */

export interface WorkerEntry {
  readonly url: URL;
  readonly execArgv: string[];
}

/** `path` without its extension, from the module at `base`. */
export function workerEntry(path: string, base: string): WorkerEntry {
  if (!base.endsWith('.ts')) return { url: new URL(`${path}.js`, base), execArgv: [] };
  const hook = new URL('./worker-from-source.ts', import.meta.url).href;
  return {
    url: new URL(`${path}.ts`, base),
    execArgv: ['--experimental-transform-types', '--no-warnings', '--import', hook],
  };
}
