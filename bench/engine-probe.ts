/**
 * Loaded ahead of an engine under test (`node --import`): watches its garbage collector and its event loop from within and
 * answers its parent. Plain enough for Node to strip its types, for the engine runs from dist/ without a loader.
 */
import { constants, monitorEventLoopDelay, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

export type ProbeRequest = { readonly id: number; readonly ask: 'reset' | 'read' | 'collect' };

export interface ProbeReading {
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  /** User and system time of the process so far. */
  readonly cpuUs: number;
  /** Since the last reset. */
  readonly gcPauseMaxMs: number;
  readonly loopDelayP99Ms: number;
  readonly loopDelayMaxMs: number;
}

/** What Node gives for `gc`; the types know only what all entries have. */
type GcEntry = PerformanceEntry & { readonly detail: { readonly kind: number } };

const LOOP_RESOLUTION_MS = 1;
const COLLECTIONS = 4;
/** Incremental marking is done in steps between other work; the others stop everything. */
const STOPPING = new Set<number>([
  constants.NODE_PERFORMANCE_GC_MAJOR,
  constants.NODE_PERFORMANCE_GC_MINOR,
  constants.NODE_PERFORMANCE_GC_INCREMENTAL,
  constants.NODE_PERFORMANCE_GC_WEAKCB,
]);

// Worker threads are started with the same flags, and are not what is asked about.
if (isMainThread && process.send !== undefined) watch(process.send.bind(process));

function watch(send: (message: unknown) => unknown): void {
  let gcPauseMaxMs = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as GcEntry[]) {
      if (STOPPING.has(entry.detail.kind)) gcPauseMaxMs = Math.max(gcPauseMaxMs, entry.duration);
    }
  }).observe({ entryTypes: ['gc'] });
  const loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  loop.enable();

  const read = (): ProbeReading => {
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    return {
      rssBytes: rss,
      heapUsedBytes: heapUsed,
      cpuUs: user + system,
      gcPauseMaxMs,
      // The timer itself is late by its resolution.
      loopDelayP99Ms: Math.max(0, loop.percentile(99) / 1e6 - LOOP_RESOLUTION_MS),
      loopDelayMaxMs: Math.max(0, loop.max / 1e6 - LOOP_RESOLUTION_MS),
    };
  };
  process.on('message', ({ id, ask }: ProbeRequest) => {
    if (ask === 'collect') for (let i = 0; i < COLLECTIONS; i++) globalThis.gc?.();
    // Pauses are reported a turn of the loop after they happened.
    setImmediate(() => {
      if (ask === 'reset') {
        gcPauseMaxMs = 0;
        loop.reset();
      }
      send({ id, reading: read() });
    });
  });
  process.channel?.unref();
}
