import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { scaffoldLearner } from './scaffold.js';

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'attune-scaffold-'));
});
afterEach(() => rm(parent, { recursive: true, force: true }));

describe('attune learner new', () => {
  it('makes a package whose kind and name are the one that was asked for', async () => {
    const folder = await scaffoldLearner('my-learner', parent);
    expect(folder).toBe(join(parent, 'my-learner'));
    expect((await readdir(folder)).sort()).toEqual(['README.md', 'package.json', 'src', 'test']);
    expect(JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))).toMatchObject({
      name: 'my-learner',
      type: 'module',
      exports: './src/learner.js',
    });
    expect(await readFile(join(folder, 'src', 'learner.js'), 'utf8')).toContain("kind: 'my-learner'");
  });

  it.each(['', 'My-Learner', '../escape', 'a b', "x'y", 'x'.repeat(65), '-x'])('refuses the name %j', async (name) => {
    await expect(scaffoldLearner(name, parent)).rejects.toMatchObject({ code: 'LEARNER_NAME_INVALID', field: 'name' });
    expect(await readdir(parent)).toEqual([]);
  });

  it('writes nothing over', async () => {
    const folder = await scaffoldLearner('mine', parent);
    await writeFile(join(folder, 'src', 'learner.js'), 'my work');
    await expect(scaffoldLearner('mine', parent)).rejects.toMatchObject({ code: 'FOLDER_NOT_EMPTY' });
    expect(await readFile(join(folder, 'src', 'learner.js'), 'utf8')).toBe('my work');
    await writeFile(join(parent, 'file'), '');
    await expect(scaffoldLearner('file', parent)).rejects.toMatchObject({ code: 'FOLDER_NOT_EMPTY' });
  });
});
