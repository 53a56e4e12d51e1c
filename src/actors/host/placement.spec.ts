import { describe, expect, it } from '@jest/globals';
import { preferredHost } from './placement.js';

const owners = (hosts: string[], partitions = 1024): (string | undefined)[] =>
  Array.from({ length: partitions }, (_, p) => preferredHost(p, hosts));

describe('placement', () => {
  it('does not depend on the order in which hosts are listed', () => {
    expect(owners(['a', 'b', 'c'])).toEqual(owners(['c', 'a', 'b']));
  });

  it('moves only the partitions of a host that leaves', () => {
    const before = owners(['host-1', 'host-2', 'host-3']);
    const after = owners(['host-1', 'host-3']);
    before.forEach((owner, p) => {
      if (owner !== 'host-2') expect(after[p]).toBe(owner);
    });
  });

  it('spreads partitions about evenly, also over names that are alike', () => {
    const counts = new Map<string, number>();
    for (const owner of owners(['host-1', 'host-2', 'host-3', 'host-4'])) {
      counts.set(owner!, (counts.get(owner!) ?? 0) + 1);
    }
    for (const count of counts.values()) {
      expect(count).toBeGreaterThan(180);
      expect(count).toBeLessThan(340);
    }
  });

  it('has no owner where there are no hosts', () => {
    expect(preferredHost(3, [])).toBeUndefined();
  });
});
