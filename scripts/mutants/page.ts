/** `docs/mutants.md`: the kept mutants by area, and what caught each when all of them were last planted. */
import type { MutantArea } from '../../test/mutants/mutant.js';

/** By mutant's id; undefined for one that escaped. */
export type Caught = ReadonlyMap<string, string | undefined>;

const ESCAPED = '**escaped**';
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

export function pageOf(areas: readonly MutantArea[], caught: Caught): string {
  const all = areas.flatMap(({ mutants }) => mutants);
  const count = (ids: readonly { id: string }[]): number => ids.filter(({ id }) => caught.get(id) !== undefined).length;
  return [
    '# Mutants',
    '',
    'Realistic bugs, kept in `test/mutants/` and planted one at a time in a copy of the tree by `npm run mutants`, to see',
    'whether a net catches each: the spec nearest to the file, or the simulator. This page is written by',
    '`npm run mutants -- --write`, which plants all of them; a test holds it to the list.',
    '',
    '    npm run mutants                             # all of them',
    '    npm run mutants -- --changed main           # those in files, or caught by specs, that differ from main',
    '    npm run mutants -- --area gate --only ID    # some of them',
    '    npm run mutants -- --check                  # plants none, and says which can no longer be planted',
    '',
    'A change that takes away the text a mutant is planted in takes the mutant along to wherever the code went. A promise or',
    'a formula that is new brings a mutant of its own.',
    '',
    '| area | planted | caught |',
    '| --- | --- | --- |',
    ...areas.map(({ area, mutants }) => `| ${area} | ${mutants.length} | ${count(mutants)} |`),
    `| all | ${all.length} | ${count(all)} |`,
    '',
    ...areas.flatMap(({ area, mutants }) => [
      `## ${area[0]!.toUpperCase()}${area.slice(1)}`,
      '',
      '| mutant | file | what goes wrong | caught by |',
      '| --- | --- | --- | --- |',
      ...mutants.map(
        ({ id, file, why }) => `| \`${id}\` | \`${file}\` | ${cell(why)} | ${cell(caught.get(id) ?? ESCAPED)} |`,
      ),
      '',
    ]),
  ].join('\n');
}

/** What a page says of each mutant: its id, what goes wrong, and what caught it. */
export function rowsOf(page: string): { id: string; why: string; by: string | undefined }[] {
  return page.split('\n').flatMap((line) => {
    const cells = line.split(/(?<!\\)\|/).map((text) => text.trim().replaceAll('\\|', '|'));
    const id = /^`([a-z0-9-]+)`$/.exec(cells[1] ?? '')?.[1];
    if (id === undefined || cells.length !== 6) return [];
    return [{ id, why: cells[3]!, by: cells[4] === ESCAPED ? undefined : cells[4] }];
  });
}
