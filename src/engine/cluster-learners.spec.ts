import { describe, expect, it } from '@jest/globals';
import { EngineError } from '../kernel/errors.js';
import { ClusterLearners } from './cluster-learners.js';

const learner = (id: string) => ({ id, kind: 'q-learning', surface: 's', policy: `p-${id}` });

describe('the learners of a cluster', () => {
  it('are told in the order of the configuration, those that do not answer as well', async () => {
    const asked: unknown[] = [];
    const learners = new ClusterLearners([learner('up'), { id: 7 }, learner('döwn')], {
      request: (...request) => {
        asked.push(request);
        if (request[1] === 'up') return Promise.resolve({ ...learner('up'), mode: 'learning', learned: 5 });
        return Promise.reject(new EngineError('Dependency', 'OWNER_UNREACHABLE', 'nobody is there'));
      },
    });
    expect(learners.ids).toEqual(['up', 'döwn']);
    expect(await learners.list(20)).toMatchObject([
      { id: 'up', mode: 'learning', learned: 5 },
      { id: 'döwn', policy: 'p-döwn', mode: 'standby', learned: 0, reason: expect.stringContaining('No process') },
    ]);
    expect(asked).toEqual([
      ['learner', 'up', 'view', {}, { deadlineMs: 20, app: 'engine' }],
      ['learner', 'd=C3=B6wn', 'view', {}, { deadlineMs: 20, app: 'engine' }],
    ]);
  });
});
