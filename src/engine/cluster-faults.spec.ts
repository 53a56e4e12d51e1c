import { expect, test } from '@jest/globals';
import type { FaultCount } from '../policies/fault-book.js';
import { ClusterFaults } from './cluster-faults.js';

const fault = (reason: string, count: number): FaultCount => ({
  part: 'policy',
  id: 'p',
  version: 1,
  surface: 's',
  reason,
  count,
  message: 'why',
});

test('faults of all hosts are added up, one’s own once, and hosts that do not answer are passed over', async () => {
  const hosts: unknown[] = [
    { host: 'here', faults: [fault('A', 99)] },
    { host: 'there', faults: [fault('A', 2), fault('B', 3)] },
    { host: 'older' },
    { host: 'gone', unreachable: true },
  ];
  const faults = new ClusterFaults('here', { list: () => [fault('A', 1)] }, { hosts: () => Promise.resolve(hosts) });
  expect(await faults.list(20)).toEqual([fault('A', 3), fault('B', 3)]);
});
