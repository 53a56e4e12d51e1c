/** Tools that write where somebody said: never through a link. (`--plot` has its own spec, src/cli/output-file.spec.ts has the rest.) */
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { runTool } from '../support/tool.js';

let folder = '';
const at = (name: string): string => join(folder, name);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attune-written-'));
  await writeFile(at('precious'), 'precious');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('the AsyncAPI document is written whole, and through no link', async () => {
  expect(await runTool('asyncapi', ['--out', at('asyncapi.yaml')])).toMatchObject({ code: 0 });
  expect(await readFile(at('asyncapi.yaml'), 'utf8')).toContain('asyncapi: ');
  await symlink(at('precious'), at('link.yaml'));
  const { code, stderr } = await runTool('asyncapi', ['--out', at('link.yaml')]);
  expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining('is a link') });
  expect(await readFile(at('precious'), 'utf8')).toBe('precious');
});

test('the configuration of NATS is written whole, and through no link', async () => {
  expect(await runTool('nats-config', ['--out', at('nats')])).toMatchObject({ code: 0 });
  const [first] = (await readdir(at('nats'))).sort();
  await rm(at(`nats/${first!}`));
  await symlink(at('precious'), at(`nats/${first!}`));
  const { code, stderr } = await runTool('nats-config', ['--out', at('nats')]);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('is a link') });
  expect(await readFile(at('precious'), 'utf8')).toBe('precious');
});
