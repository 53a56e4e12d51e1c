/** docs/errors.md and the code, held together: every code in the source is documented, every documented code exists. */
import { globSync, readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';

/** Shaped like codes, but not ours: environment variables, streams, other libraries' codes. */
const FOREIGN = /^(?:ATTUNE_|FST_ERR_|ERR_|HPE_|Z_|DATABASE_URL$|PG_VERSION$|NODE_ENV$|NODE_OPTIONS$)/;
/** A code of one word, told from other capitals by where it stands: `code: 'X'`, or behind an error's family. */
const SINGLE = /(?:code: |'[A-Z][a-z][A-Za-z]+',\s*)'([A-Z]{4,})'/g;

/** A code in quotes, alone or in front of a colon as in `EVENT_MALFORMED: the payload …`. */
const LITERAL = /['"`]([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?=['"`]|: )/g;

function codesInSource(): Set<string> {
  const codes = new Set<string>();
  const isOurs = (file: string) => !file.endsWith('.spec.ts') && !file.includes('actors/simulated');
  for (const file of globSync('src/**/*.ts').filter(isOurs)) {
    // What a comment names in back quotes is somebody else's code, or thrown where it is spelled out.
    const text = readFileSync(file, 'utf8').replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '');
    for (const [, code] of text.matchAll(SINGLE)) codes.add(code!);
    for (const [, code] of text.matchAll(LITERAL)) if (!FOREIGN.test(code!)) codes.add(code!);
  }
  return codes;
}

const documented = (): string[] =>
  [...readFileSync('docs/errors.md', 'utf8').matchAll(/^\| `([A-Z0-9_]+)`/gm)].map((row) => row[1]!);

it('documents every code of the source', () => {
  const known = new Set(documented());
  expect([...codesInSource()].filter((code) => !known.has(code)).sort()).toEqual([]);
});

it('documents no code that the source does not have, and none twice', () => {
  const codes = codesInSource();
  const listed = documented();
  expect(listed.filter((code) => !codes.has(code))).toEqual([]);
  expect(listed.filter((code, index) => listed.indexOf(code) !== index)).toEqual([]);
});
