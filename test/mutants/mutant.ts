import { z } from 'zod';

const text = z.string().min(1);

/** What may catch a mutant: a spec, or some seeds of the simulator. */
const netSchema = z.union([
  z.string().regex(/^(src|test)\/.+\.spec\.ts$/),
  z
    .strictObject({
      simulate: z.enum(['toy', 'town']),
      seeds: z.number().int().positive().max(2_000),
    })
    .readonly(),
]);
export type Net = z.infer<typeof netSchema>;

/** One realistic bug, to be planted alone. */
export const mutantSchema = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/),
    file: z.string().regex(/^src\/.+\.ts$/),
    /** Stands exactly once in the file. The shorter, the longer it lasts while the code around it changes. */
    find: text,
    replace: z.string(),
    /** What goes wrong with it, in words that a user of the engine would use. */
    why: text,
    /** Tried in this order until one catches it: the narrowest first. */
    nets: z.array(netSchema).min(1).readonly(),
  })
  .readonly();
export type Mutant = z.infer<typeof mutantSchema>;

/** The mutants of one part of the engine. */
export interface MutantArea {
  readonly area: string;
  readonly mutants: readonly Mutant[];
}

/** Why a mutant cannot be planted in this source; undefined where it can. */
export function unplantable({ find, replace }: Mutant, source: string): string | undefined {
  const times = source.split(find).length - 1;
  if (times !== 1) return `its text stands ${times} times in the file, not once`;
  if (find === replace) return 'it changes nothing';
  return undefined;
}

/** The source with the bug in it. Throws where it cannot be planted. */
export function plant(mutant: Mutant, source: string): string {
  const why = unplantable(mutant, source);
  if (why !== undefined) throw new Error(`${mutant.id} in ${mutant.file}: ${why}.`);
  return source.replace(mutant.find, () => mutant.replace);
}
