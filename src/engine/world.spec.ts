import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineError } from '../kernel/errors.js';
import { loadDeclared } from './world.js';

const NOW = Date.UTC(2026, 0, 1);
let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'attune-declared-'))));
afterAll(() => rmSync(folder, { recursive: true }));

let made = 0;
/** A copy of the shipped declarations, with files added or written over. */
function folders(changes: Record<string, string> = {}): Record<string, unknown> {
  const own = join(folder, String((made += 1)));
  cpSync('config', own, { recursive: true });
  for (const [name, text] of Object.entries(changes)) writeFileSync(join(own, name), text);
  return { surfacesDir: join(own, 'surfaces'), policiesDir: join(own, 'policies') };
}

async function problemsOf(settings: Record<string, unknown>): Promise<string[]> {
  const file = join(folder, `${(made += 1)}.yaml`);
  writeFileSync(file, JSON.stringify(settings));
  try {
    await loadDeclared({ files: ['config/default.yaml', file], env: {} }, NOW);
    return [];
  } catch (error) {
    expect(error).toMatchObject({ family: 'Configuration', code: 'CONFIG_INVALID' });
    return (error as EngineError).message.split('\n').slice(1);
  }
}

const SURFACE = `
subjectKinds: [rider]
slate: { k: 1, max: 1 }
candidates: { source: request }
policy: nearest-static
fallback: [nearest-static]
reward: { windowMs: 1000, signals: {} }
validMs: 1000
`;

describe('loadDeclared', () => {
  it('takes what ships with the engine', async () => {
    expect(await problemsOf({})).toEqual([]);
    expect(await problemsOf(folders({ 'surfaces/x.yaml': `id: x${SURFACE}`, 'surfaces/README.md': 'words' }))).toEqual(
      [],
    );
  });

  it('says all at once, whatever kind of problem each is', async () => {
    const problems = await problemsOf({
      ...folders({
        'surfaces/a.yml': `id: a${SURFACE}`,
        'surfaces/b.yaml': `id: rider.pickup${SURFACE}`,
        'surfaces/c.yaml': `id: c${SURFACE.replace('policy: nearest-static', 'policy: nobody')}`,
        'surfaces/d.yaml': 'id: [',
        'policies/e.yaml': 'id: nearest-static\nversion: 2\nfamily: static\nparameters: { order: given }\n',
        'policies/f.yaml': 'id: f\nversion: 2\nfamily: toString\n',
      }),
      nonsense: 1,
      limits: { mailboxMax: 0 },
      fold: { timeZone: 'Mars/Olympus' },
      learners: [
        { id: 'x', kind: 'beta-thompson', surface: 'rider.moon', policy: 'p' },
        { id: 'x', kind: 'telepathy', surface: 'rider.pickup', policy: 'q', batchSize: 'many' },
        { id: 'y', kind: 'telepathy', surface: 'rider.pickup', policy: 'r' },
      ],
    });
    for (const expected of [
      /a\.yml: must end in \.yaml/,
      /id: rider\.pickup is declared twice/,
      /c: policy = "nobody": is neither declared .* nor published/,
      /d\.yaml: is no YAML/,
      /id: nearest-static is declared twice/,
      /f\.yaml: family: toString is none of/,
      /nonsense: is not a known field/,
      /limits\.mailboxMax = 0/,
      /fold\.timeZone = "Mars\/Olympus": must be an IANA time zone/,
      /learners\[0\]\.surface = "rider\.moon": is no declared surface/,
      /learners\[1\]\.id = "x": must be unique/,
      /learners\[1\]\.batchSize/,
      /learners\[2\]: .*telepathy/,
    ])
      expect(problems.filter((line) => expected.test(line))).toHaveLength(1);
    expect(problems).toHaveLength(13);
  });

  it('refuses learners that publish what is another’s, or is served elsewhere', async () => {
    const learner = (id: string, surface: string, policy: string) => ({ id, kind: 'beta-thompson', surface, policy });
    const learners = [
      learner('a', 'rider.pickup', 'pickup-thompson'),
      learner('b', 'rider.pickup', 'pickup-thompson'),
      learner('c', 'rider.pickup', 'discount-q'),
      learner('d', 'rider.pickup', 'nearest-static'),
    ];
    const problems = (await problemsOf({ learners })).join('\n');
    expect(problems).toMatch(/learners\[1\]\.policy = "pickup-thompson": is published by the learner a already/);
    expect(problems).toMatch(/learners\[2\]\.policy = "discount-q": is served on promo\.discount/);
    expect(problems).toMatch(/learners\[3\]\.policy = "nearest-static": is a static policy/);
  });

  it.each(['surfacesDir', 'policiesDir'])('refuses a %s that is missing, empty or no folder', async (field) => {
    const empty = join(folder, String((made += 1)));
    mkdirSync(empty);
    const file = join(empty, '..', `${(made += 1)}.txt`);
    writeFileSync(file, '');
    const of = async (value: string): Promise<string> =>
      (await problemsOf({ ...folders(), [field]: value })).join('\n');
    expect(await of(join(folder, 'absent'))).toMatch(new RegExp(`${field} = .*cannot be read: ENOENT`));
    expect(await of(empty)).toMatch(new RegExp(`${field} = .*holds no file`));
    expect(await of(file)).toMatch(new RegExp(`${field} = .*cannot be read: ENOTDIR`));
  });

  it('lets a surface name the policy of a learner that has published nothing yet', async () => {
    const declared = folders({
      'surfaces/c.yaml': `id: c${SURFACE.replace('policy: nearest-static', 'policy: learned')}`,
    });
    const learners = [{ id: 'l', kind: 'beta-thompson', surface: 'c', policy: 'learned' }];
    expect(await problemsOf({ ...declared, learners })).not.toContainEqual(expect.stringContaining('learned'));
  });
});
