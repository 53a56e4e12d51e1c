/** Where the figures were taken: they say little without it. */
import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly os: string;
  readonly node: string;
  readonly natsServer: string;
  /** Over one minute, before the first entry ran. */
  readonly loadAverage: number;
  readonly at: string;
}

export function describeMachine(): Machine {
  const version = spawnSync('nats-server', ['--version'], { encoding: 'utf8' }).stdout ?? '';
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    os: `${platform()} ${release()}`,
    node: process.version,
    natsServer: version.replace('nats-server:', '').trim() || 'not on PATH',
    loadAverage: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    at: new Date().toISOString(),
  };
}

export const machineLine = (m: Machine): string =>
  `${m.cpu}, ${m.cores} cores, ${m.memoryGb} GB, ${m.os}; Node ${m.node}, nats-server ${m.natsServer}; ` +
  `load average ${m.loadAverage.toFixed(2)} before the start`;

/** The bench keeps every core busy by itself, so other work shows in every figure. */
export function loadWarning({ loadAverage, cores }: Machine): string | undefined {
  if (loadAverage <= cores) return undefined;
  return `The machine was busy with other work (load average ${loadAverage} on ${cores} cores): do not trust these figures.`;
}
