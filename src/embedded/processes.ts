/** What the launchers need to know about operating system processes, on Linux and macOS. */
import { execFile, spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

export const run = promisify(execFile);

/** Resolves after `ms`. The launchers run before the engine has a clock. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The command line of a live process, arguments joined by spaces; empty where there is none. */
export async function commandLine(pid: number): Promise<string> {
  if (process.platform === 'linux') {
    const raw = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return raw.replaceAll('\0', ' ').trim();
  }
  const shown = await run('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return shown.stdout.trim();
}

/**
 * Something that differs between two processes that had the same pid, one after the other: when it started.
 * Empty where no such process lives. A zombie does not count as alive.
 */
export async function processIdentity(pid: number): Promise<string> {
  if (process.platform === 'linux') {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    // The command name is in parentheses and may hold spaces, so fields are counted behind its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields.length < 20 || fields[0] === 'Z') return '';
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
    return `${boot.trim()}:${fields[19]}`;
  }
  const shown = await run('ps', ['-o', 'lstart=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return shown.stdout.trim();
}

/** Sends `signal`, waits up to `graceMs` for the process to be gone, then kills it. */
export async function endProcess(pid: number, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  const send = (s: NodeJS.Signals): void => {
    try {
      process.kill(pid, s);
    } catch {
      // Already gone, which is what is wanted.
    }
  };
  send(signal);
  const deadline = performance.now() + graceMs;
  while ((await processIdentity(pid)) !== '') {
    if (performance.now() > deadline) send('SIGKILL');
    await pause(20);
  }
}

let deathSignalWorks: boolean | undefined;

/**
 * On Linux `setpriv` can ask the kernel to signal a child when its parent dies, even by SIGKILL. Elsewhere children
 * outlive a killed parent, and the next start on the same state directory stops them first.
 */
export function dieWithParent(signal: 'TERM' | 'INT', command: string, args: readonly string[]): [string, string[]] {
  deathSignalWorks ??=
    process.platform === 'linux' &&
    spawnSync('setpriv', ['--pdeathsig', 'TERM', 'true'], { stdio: 'ignore' }).status === 0;
  return deathSignalWorks ? ['setpriv', ['--pdeathsig', signal, command, ...args]] : [command, [...args]];
}
