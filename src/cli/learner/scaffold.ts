/** `attune learner new`: a folder with a learner plug-in that runs, passes the conformance suite and explains itself. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { EngineError, invalidRequest } from '../../kernel/errors.js';
import { learnerFiles } from './template.js';

/** What npm takes for a package's name, without a scope. */
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/**
 * Writes the files and resolves to the folder's absolute path. Nothing is written over. Rejects with InvalidRequest
 * `LEARNER_NAME_INVALID` or `FOLDER_NOT_EMPTY`.
 */
export async function scaffoldLearner(name: string, parent: string): Promise<string> {
  if (!NAME.test(name))
    throw invalidRequest(
      'LEARNER_NAME_INVALID',
      'A plug-in’s name has 1 to 64 lower-case letters, digits, ".", "_" or "-", and begins with a letter or a digit.',
      'name',
    );
  const folder = resolve(parent, name);
  if ((await entries(folder)).length > 0)
    throw invalidRequest('FOLDER_NOT_EMPTY', `${folder} has files in it already; nothing was written.`, 'dir');
  for (const [path, text] of Object.entries(learnerFiles(name, folder))) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    // Fails where a file has come in between.
    await writeFile(file, text, { flag: 'wx' });
  }
  return folder;
}

async function entries(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    if (code === 'ENOTDIR') throw invalidRequest('FOLDER_NOT_EMPTY', `${folder} is a file.`, 'dir');
    throw new EngineError('Dependency', 'FOLDER_UNREADABLE', `${folder} cannot be read (${code ?? 'unknown'}).`, {
      cause: error,
    });
  }
}
