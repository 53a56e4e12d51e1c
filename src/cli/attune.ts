/** `attune`: the command of people who extend the engine. `npx attune …`, or `npm run attune -- …`. */
import { Command } from 'commander';
import { conformance, conformanceCommand } from './conformance.js';
import { scaffoldLearner } from './learner/scaffold.js';
import { EXIT, failureOf } from './outcome.js';

const toStdout = (line: string): void => void process.stdout.write(`${line}\n`);
const toStderr = (line: string): void => void process.stderr.write(`${line}\n`);

function newLearner(): Command {
  return new Command('new')
    .description('Writes a learner plug-in that runs, in a folder of its own.')
    .argument('<name>', 'the plug-in’s kind and package name, as in my-learner')
    .option('--dir <folder>', 'the folder to make it in', '.')
    .exitOverride()
    .action(async (name: string, { dir }: { dir: string }) => {
      const folder = await scaffoldLearner(name, dir);
      toStdout(`${folder} is a learner plug-in. Check it:\n\n  npm run conformance -- --learner ${folder}`);
    });
}

/** Runs the command line; resolves to the exit code. */
export async function attune(args: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = new Command('attune')
    .description('Tools for those who extend Attune. The engine itself is started by npm start.')
    .exitOverride()
    .addHelpText('after', '\nExit codes: 0 done; 1 a check failed; 2 wrong arguments; 3 it could not be done.');
  program
    .command('learner')
    .description('Learner plug-ins')
    .exitOverride()
    .addCommand(newLearner())
    .addCommand(
      conformanceCommand('check').action(async (options: Parameters<typeof conformance>[0]) => {
        exitCode = await conformance(options, toStdout);
      }),
    );
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    return failureOf('attune', error, toStderr);
  }
}
