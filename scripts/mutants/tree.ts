import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { plant, type Mutant } from '../../test/mutants/mutant.js';

/**
 * A copy of the working tree in a temporary folder, in which one mutant at a time stands. Files are hard links, so that a
 * copy costs nothing; what is planted takes the place of its link and never writes through it.
 */
export class MutantTree {
  readonly folder: string;

  constructor(private readonly root: string) {
    this.folder = mkdtempSync(join(tmpdir(), 'attune-mutants-'));
    const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
    const made = new Set<string>();
    for (const file of listed.toString('utf8').split('\0')) {
      if (file === '') continue;
      const folder = dirname(join(this.folder, file));
      if (!made.has(folder)) mkdirSync(folder, { recursive: true });
      made.add(folder);
      this.link(file);
    }
    symlinkSync(join(root, 'node_modules'), join(this.folder, 'node_modules'), 'dir');
  }

  plant(mutant: Mutant): void {
    const planted = plant(mutant, readFileSync(join(this.root, mutant.file), 'utf8'));
    const at = join(this.folder, mutant.file);
    rmSync(at);
    writeFileSync(at, planted, { flag: 'wx' });
  }

  /** The tree is as it was before the mutant. */
  uproot({ file }: Mutant): void {
    rmSync(join(this.folder, file));
    this.link(file);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private link(file: string): void {
    const [from, to] = [join(this.root, file), join(this.folder, file)];
    try {
      linkSync(from, to);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Listed and deleted since; or the temporary folder is on another disk.
      if (code === 'ENOENT') return;
      if (code !== 'EXDEV' && code !== 'EPERM') throw error;
      copyFileSync(from, to);
    }
  }
}
