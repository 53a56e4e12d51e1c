import { describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chainDirectories, loadPolicies } from './declared-policies.js';

function withFolder<T>(files: Record<string, string>, use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'attune-policies-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('loadPolicies', () => {
  test('loads the policies that ship with the engine', () => {
    const policies = loadPolicies('config/policies');
    expect(policies.ids).toEqual(
      expect.arrayContaining(['nearest-static', 'demand-softmax', 'pickup-thompson', 'discount-q', 'given-order']),
    );
    expect(policies.isStatic('nearest-static')).toBe(true);
    expect(policies.isStatic('demand-softmax')).toBe(false);
  });

  test('reports all problems at once, each with its file and field', () => {
    const files = {
      'a.yaml': 'id: A\nversion: 1\nfamily: static\n',
      'b.yaml': 'id: b\nversion: 1\nfamily: psychic\n',
      'c.yaml': 'id: c\nversion: 1\nfamily: static\nparameters: {order: descending}\n',
      'd.yaml': 'id: [',
      'e.yaml': 'id: given-order\nversion: 1\nfamily: static\nparameters: {order: given}\n',
    };
    const load = () => withFolder(files, loadPolicies);
    expect(load).toThrow(/a\.yaml: id:/);
    expect(load).toThrow(/b\.yaml: family: psychic/);
    expect(load).toThrow(/c\.yaml: .*parameters\.feature/);
    expect(load).toThrow(/d\.yaml: /);
    expect(load).toThrow(/e\.yaml: id: given-order is declared twice/);
  });
});

test('the first directory that knows an id answers', () => {
  const declared = loadPolicies('config/policies');
  const learned = { ...declared.get('nearest-static')!, ref: { id: 'nearest-static', version: 9 } };
  const both = chainDirectories({ get: (id) => (id === 'nearest-static' ? learned : undefined) }, declared);
  expect(both.get('nearest-static')!.ref.version).toBe(9);
  expect(both.get('demand-static')!.ref.version).toBe(1);
  expect(both.get('nobody')).toBeUndefined();
});
