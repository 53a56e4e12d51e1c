import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { transformSync } from '@swc/core';
import { rowsOf } from '../../scripts/mutants/page.js';
import { AREAS } from '../mutants/index.js';
import { mutantSchema, plant, unplantable, type Mutant } from '../mutants/mutant.js';

const read = (file: string): string => readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8');
const all = AREAS.flatMap(({ mutants }) => mutants);

describe('the kept mutants', () => {
  it('are at least sixty, well-formed, and each has a name of its own', () => {
    expect(all.length).toBeGreaterThanOrEqual(60);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    for (const mutant of all) expect(mutantSchema.safeParse(mutant).error).toBeUndefined();
  });

  it('can each be planted once in the source as it is, and what is planted is a program', () => {
    const useless = all.flatMap((mutant) => {
      try {
        const code = plant(mutant, read(mutant.file));
        transformSync(code, { jsc: { target: 'es2023', parser: { syntax: 'typescript', decorators: true } } });
        return [];
      } catch (error) {
        return [`${mutant.id}: ${String(error)}`];
      }
    });
    expect(useless).toEqual([]);
  });

  it('name nets that there are', () => {
    const specs = new Set(all.flatMap(({ nets }) => nets.filter((net) => typeof net === 'string')));
    for (const spec of specs) expect(read(spec)).toMatch(/\b(?:describe|it|test)\b/);
  });

  it('stand in docs/mutants.md, each with what caught it, and hardly any escaped', () => {
    const rows = rowsOf(read('docs/mutants.md'));
    const said = all.map(({ id, why }) => ({ id, why }));
    expect(rows.map(({ id, why }) => ({ id, why }))).toEqual(said);
    const escaped = rows.filter(({ by }) => by === undefined);
    expect(escaped.length).toBeLessThanOrEqual((2 / 60) * all.length);
  });
});

describe('a mutant', () => {
  const mutant: Mutant = {
    id: 'one',
    file: 'src/one.ts',
    find: 'a < b',
    replace: 'a $& b',
    why: 'It is wrong.',
    nets: ['src/one.spec.ts'],
  };

  it('is planted as it stands, whatever signs are in it', () => {
    expect(plant(mutant, 'if (a < b) c();')).toBe('if (a $& b) c();');
  });

  it.each([
    ['is nowhere', 'if (a > b) c();', /stands 0 times/],
    ['is in two places', 'a < b; a < b', /stands 2 times/],
  ])('whose text %s is refused', (_, source, why) => {
    expect(unplantable(mutant, source)).toMatch(why);
    expect(() => plant(mutant, source)).toThrow(why);
  });

  it('that changes nothing is refused', () => {
    expect(unplantable({ ...mutant, replace: mutant.find }, 'a < b')).toMatch(/changes nothing/);
  });
});
