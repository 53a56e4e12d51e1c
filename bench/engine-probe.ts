/**
 * Loaded ahead of an engine under test (`node --import`): watches its garbage collector and its event loop from within and
 * answers its parent. Plain enough for Node to strip its types, for the engine runs from dist/ without a loader.
 */
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';

export type ProbeRequest = { readonly id: number; readonly ask: 'reset' | 'read' | 'collect' };

export interface ProbeReading {
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  /** User and system time of the process so far. */
  readonly cpuUs: number;
  /** That of the main thread, on which the host runs. */
  readonly hostCpuUs: number;
  /** Since the last reset. */
  readonly gcPauseMaxMs: number;
  readonly loopDelayP99Ms: number;
  readonly loopDelayMaxMs: number;
}

const LOOP_RESOLUTION_MS = 1;
const COLLECTIONS = 4;
/** Time for the other threads to collect, and for V8 to give back what was freed. */
const COLLECT_MS = 500;
const CHANNEL = 'attune-bench-probe';
const channel = new BroadcastChannel(CHANNEL);

// Worker threads are started with the same flags: they have heaps of their own, which count in the process's memory.
if (!isMainThread) channel.onmessage = collectGarbage;
else if (process.send !== undefined) watch(process.send.bind(process));
// Not before there is a listener: setting one refers to it again.
channel.unref();

function collectGarbage(): void {
  for (let i = 0; i < COLLECTIONS; i++) globalThis.gc?.();
}

function watch(send: (message: unknown) => unknown): void {
  let gcPauseMaxMs = 0;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) gcPauseMaxMs = Math.max(gcPauseMaxMs, duration);
  }).observe({ entryTypes: ['gc'] });
  const loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  loop.enable();

  const read = (): ProbeReading => {
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    const host = process.threadCpuUsage();
    return {
      rssBytes: rss,
      heapUsedBytes: heapUsed,
      cpuUs: user + system,
      hostCpuUs: host.user + host.system,
      gcPauseMaxMs,
      // The timer itself is late by its resolution.
      loopDelayP99Ms: Math.max(0, loop.percentile(99) / 1e6 - LOOP_RESOLUTION_MS),
      loopDelayMaxMs: Math.max(0, loop.max / 1e6 - LOOP_RESOLUTION_MS),
    };
  };
  const answer = (id: number, ask: ProbeRequest['ask']): void => {
    const reading = read();
    if (ask === 'reset') {
      gcPauseMaxMs = 0;
      loop.reset();
    }
    send({ id, reading });
  };
  process.on('message', ({ id, ask }: ProbeRequest) => {
    // Pauses are reported a turn of the loop after they happened.
    if (ask !== 'collect') return void setImmediate(() => answer(id, ask));
    collectGarbage();
    channel.postMessage(null);
    setTimeout(() => answer(id, ask), COLLECT_MS);
  });
  process.channel?.unref();
}
