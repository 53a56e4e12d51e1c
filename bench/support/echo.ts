import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface Echo {
  readonly pid: number;
  readonly url: string;
  stop(): Promise<void>;
}

/** The echo in a process of its own. It ends with this one. */
export const startEcho = (): Promise<Echo> => start('echo-server.ts');

/** The one with journals in its way, on a cluster that is there. */
export const startDurableEcho = (
  nats: { readonly url: string; readonly user: string; readonly pass: string },
  partitions: number,
): Promise<Echo> => start('durable-echo-server.ts', JSON.stringify({ nats, partitions }));

async function start(script: string, ...args: string[]): Promise<Echo> {
  const child = fork(join(import.meta.dirname, '..', script), args);
  const [message] = (await once(child, 'message')) as [{ url: string }];
  return {
    pid: child.pid!,
    url: message.url,
    stop: async () => {
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}
