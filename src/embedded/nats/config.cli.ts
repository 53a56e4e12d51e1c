/** `npm run nats:config -- --partitions N`: writes the templates of config/nats/ for a cluster of N partitions. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { EXAMPLE_LEARNER, natsTemplates } from './configuration.js';

const PARTITIONS_MAX = 1024;

function parsePartitions(text: string): number {
  const partitions = Number(text);
  if (Number.isInteger(partitions) && partitions >= 1 && partitions <= PARTITIONS_MAX) return partitions;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${PARTITIONS_MAX}.`);
}

const program = new Command('nats:config')
  .description('Writes the nats-server configuration templates: subject mappings, accounts and permissions.')
  .option('--partitions <n>', 'partitions of the cluster; fixed once it has data', parsePartitions, 16)
  .option(
    '--learner <id...>',
    'learners that run in processes of their own; each gets a user who may do no more than its id allows',
    [EXAMPLE_LEARNER],
  )
  .option('--out <folder>', 'folder to write into', 'config/nats')
  .option('--json', 'print the files as one JSON object instead of writing them')
  .addHelpText('after', '\nExit codes: 0 written; 1 a file could not be written; 2 wrong arguments.')
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .action(async (options: { partitions: number; learner: string[]; out: string; json?: boolean }) => {
    const files = natsTemplates(options.partitions, options.learner);
    if (options.json) {
      process.stdout.write(`${JSON.stringify(files, null, 2)}\n`);
      return;
    }
    await mkdir(options.out, { recursive: true });
    for (const [name, content] of Object.entries(files)) {
      const file = join(options.out, name);
      await writeFile(file, content);
      process.stdout.write(`${file}\n`);
    }
  });

await program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`nats:config: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
