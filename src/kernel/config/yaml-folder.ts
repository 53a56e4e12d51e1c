/** A folder of declarations, one YAML file each. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Problem } from './schema.js';

export interface Declaration {
  /** The file's name. */
  readonly file: string;
  readonly value: unknown;
}

const ENDING = '.yaml';
/** Looks like a declaration and is none: whoever wrote it believes that it is read. */
const MISSPELT = /\.(ya?ml|json)$/i;

/**
 * Every `*.yaml` of a folder, in order of name. A missing or empty folder, a file that is no YAML and one whose ending is
 * misspelt are problems; `field` is the configuration's name for the folder.
 */
export function readYamlFolder(folder: string, field: string, problems: Problem[]): readonly Declaration[] {
  let files: string[];
  try {
    files = readdirSync(folder).sort();
  } catch (error) {
    problems.push({
      field,
      value: folder,
      rule: `cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`,
    });
    return [];
  }
  for (const file of files)
    if (MISSPELT.test(file) && !file.endsWith(ENDING))
      problems.push({ field: join(folder, file), rule: `must end in ${ENDING}, or it is not read` });
  const declared = files.filter((file) => file.endsWith(ENDING));
  if (declared.length === 0) problems.push({ field, value: folder, rule: `holds no file that ends in ${ENDING}` });
  return declared.flatMap((file) => {
    try {
      return [{ file, value: parse(readFileSync(join(folder, file), 'utf8')) as unknown }];
    } catch (error) {
      problems.push({ field: join(folder, file), rule: `is no YAML: ${firstLineOf(error)}` });
      return [];
    }
  });
}

const firstLineOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0]!;
