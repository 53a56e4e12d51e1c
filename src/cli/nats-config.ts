/** `npm run nats:config -- --partitions N`: writes the templates of config/nats/ for a cluster of N partitions. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { natsTemplates, type AppGrant } from '../embedded/nats/configuration.js';
import { APP_NAME, DEFAULT_APP, RESERVED_APPS } from '../kernel/ids.js';
import { NATS_SCOPES, type NatsScope } from '../kernel/scopes.js';
import { writeWhole } from './output-file.js';

const PARTITIONS_MAX = 1024;

function parsePartitions(text: string): number {
  const partitions = Number(text);
  if (Number.isInteger(partitions) && partitions >= 1 && partitions <= PARTITIONS_MAX) return partitions;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${PARTITIONS_MAX}.`);
}

/** Options that may be given several times. */
const collect =
  <T>(check: (text: string) => T) =>
  (text: string, before: readonly T[] | undefined): readonly T[] => [...(before ?? []), check(text)];

/** `name`, or `name=decide,events`. */
function parseApp(text: string): AppGrant {
  const [name = '', listed] = text.split('=', 2);
  const scopes = listed?.split(',').filter((scope): scope is NatsScope => NATS_SCOPES.includes(scope as NatsScope));
  if (scopes !== undefined && (scopes.length === 0 || scopes.join() !== listed)) {
    throw new InvalidArgumentError(`Its scopes must be some of ${NATS_SCOPES.join(', ')}, separated by commas.`);
  }
  if (APP_NAME.test(name) && !RESERVED_APPS.includes(name)) return { name, ...(scopes ? { scopes } : {}) };
  throw new InvalidArgumentError(
    `It must be 1 to 32 of a-z, 0-9 and "-", and none of ${RESERVED_APPS.join(', ')}: as in the configuration's apps.`,
  );
}

const program = new Command('nats:config')
  .description('Writes the nats-server configuration templates: subject mappings, accounts and permissions.')
  .option('--partitions <n>', 'partitions of the cluster; fixed once it has data', parsePartitions, 16)
  .option(
    '--app <name...>',
    'an app, as in the configuration, or with its scopes: rider=decide,events (several times)',
    collect(parseApp),
  )
  .option(
    '--learner <id...>',
    'a learner that runs in a process of its own, with a user who may do no more than its id allows (several times)',
    collect((text) => text),
  )
  .option('--out <folder>', 'folder to write into', 'config/nats')
  .option('--json', 'print the files as one JSON object instead of writing them')
  .addHelpText('after', '\nExit codes: 0 written; 1 a file could not be written; 2 wrong arguments.')
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .action(
    async (options: { partitions: number; app?: AppGrant[]; learner?: string[]; out: string; json?: boolean }) => {
      const files = natsTemplates(options.partitions, options.app ?? [{ name: DEFAULT_APP }], options.learner);
      if (options.json) {
        process.stdout.write(`${JSON.stringify(files, null, 2)}\n`);
        return;
      }
      await mkdir(options.out, { recursive: true });
      for (const [name, content] of Object.entries(files)) {
        const file = join(options.out, name);
        await writeWhole(file, content);
        process.stdout.write(`${file}\n`);
      }
    },
  );

await program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`nats:config: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
