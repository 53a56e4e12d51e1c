import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeWhole } from './output-file.js';

let folder = '';
const at = (name: string): string => join(folder, name);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attune-output-'));
  await writeFile(at('precious'), 'precious');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('writeWhole', () => {
  it('writes a new file, and over an old one', async () => {
    await writeWhole(at('new'), 'first, and longer');
    await writeWhole(at('new'), Buffer.from('second'));
    expect(await readFile(at('new'), 'utf8')).toBe('second');
    expect((await readdir(folder)).sort()).toEqual(['new', 'precious']);
  });

  it.each(['precious', 'nothing'])('refuses a link to %s', async (target) => {
    await symlink(at(target), at('link'));
    await expect(writeWhole(at('link'), 'x')).rejects.toThrow('is a link');
    expect(await readFile(at('precious'), 'utf8')).toBe('precious');
    expect((await readdir(folder)).sort()).toEqual(['link', 'precious']);
  });

  it('does not write into the other names of a file', async () => {
    await link(at('precious'), at('hard'));
    await writeWhole(at('hard'), 'x');
    expect([await readFile(at('precious'), 'utf8'), await readFile(at('hard'), 'utf8')]).toEqual(['precious', 'x']);
  });

  it('refuses folders, pipes and devices, and waits for none of them', async () => {
    await mkdir(at('folder'));
    execFileSync('mkfifo', [at('pipe')]);
    for (const path of [at('folder'), at('pipe'), '/dev/null'])
      await expect(writeWhole(path, 'x')).rejects.toThrow('no regular file');
    await expect(writeWhole(at('none/file'), 'x')).rejects.toThrow('ENOENT');
  });
});
