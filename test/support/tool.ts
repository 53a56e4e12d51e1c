/** The command-line tools as they are run: built, in a process of their own. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { dirname, join } from 'node:path';
import { builtMain, ROOT } from './engine-build.js';

export interface ToolRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs dist/cli/<name>.js to its end, without the caller's ATTUNE_ variables. */
export async function runTool(
  name: 'asyncapi' | 'demo' | 'nats-config' | 'replay',
  args: readonly string[],
  whileRunning: (pid: number, stderr: () => string) => Promise<void> = async () => {},
): Promise<ToolRun> {
  const tool = join(dirname(await builtMain()), 'cli', `${name}.js`);
  const env = Object.fromEntries(Object.entries(process.env).filter(([variable]) => !variable.startsWith('ATTUNE_')));
  const child = spawn(process.execPath, [tool, ...args], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = (): void => void child.kill('SIGKILL');
  process.on('exit', kill);
  try {
    let heard = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (heard += chunk));
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    const stdout = text(child.stdout);
    await whileRunning(child.pid!, () => heard);
    return { code: await ended, stdout: await stdout, stderr: heard };
  } finally {
    process.off('exit', kill);
    if (child.exitCode === null) kill();
  }
}
