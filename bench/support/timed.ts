/**
 * Microseconds of CPU time that one call of `run` takes, on average after a warm-up. This thread's own time: other work on
 * the machine blurs it less than the clock on the wall.
 */
export function cpuUsEach(rounds: number, run: (round: number) => void): number {
  for (let i = 0; i < rounds / 4; i++) run(i);
  const started = process.threadCpuUsage();
  for (let i = 0; i < rounds; i++) run(i);
  const { user, system } = process.threadCpuUsage(started);
  return (user + system) / rounds;
}
