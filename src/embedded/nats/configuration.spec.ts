import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { subjectMappings } from '../../messages/subjects.js';
import { isAtLeast, parseVersion } from './binary.js';
import { embeddedConfiguration, learnerPermissions, mappingsBlock, natsTemplates } from './configuration.js';

test('config/nats/ holds exactly what the generator prints for 16 partitions', () => {
  const folder = 'config/nats';
  const stored = Object.fromEntries(
    readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  );
  expect(stored).toEqual(natsTemplates(16));
});

test('every mapping of the contract is in the block', () => {
  const block = mappingsBlock(7);
  for (const [from, to] of Object.entries(subjectMappings(7))) expect(block).toContain(`"${from}": "${to}"`);
});

test('a learner may only ask for itself, and hears only what it was answered', () => {
  const permissions = learnerPermissions('my.learner');
  expect(permissions).toContain('"attune.learner.my=2Elearner.publish"');
  expect(permissions).toContain('subscribe: { allow: ["_INBOX.my=2Elearner.>"] }');
  expect(permissions).not.toMatch(/attune\.learner\.\*|_INBOX\.>|\$JS|\$KV|\$O|"attune\.(p|event|user)/);
});

test('the embedded configuration names sync_interval only where it is asked for', () => {
  const settings = {
    serverName: 'attune-x',
    port: 4222,
    partitions: 16,
    storeDir: '/s',
    pidFile: '/p',
    passwords: { engine: 'e', learner: 'l', sys: 's' },
    apps: [{ name: 'app', password: 'a' }],
  };
  expect(embeddedConfiguration(settings)).not.toContain('sync_interval');
  expect(embeddedConfiguration({ ...settings, syncInterval: 'always' })).toContain('sync_interval: "always"');
});

test.each([
  ['nats-server: v2.9.10', [2, 9, 10], true],
  ['nats-server: v2.10.0-RC.1', [2, 10, 0], true],
  ['nats-server: v2.9.9', [2, 9, 9], false],
  ['nats-server: v3.0.0', [3, 0, 0], true],
])('reads the version of %j and compares it with the floor', (text, version, isEnough) => {
  expect(parseVersion(text)).toEqual(version);
  expect(isAtLeast(version, [2, 9, 10])).toBe(isEnough);
});
