import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface Echo {
  readonly pid: number;
  readonly url: string;
  stop(): Promise<void>;
}

/** The echo in a process of its own. It ends with this one. */
export async function startEcho(): Promise<Echo> {
  const child = fork(join(import.meta.dirname, '..', 'echo-server.ts'));
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
