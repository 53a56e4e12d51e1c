import { expect, test } from '@jest/globals';
import { loadConfig } from '../kernel/config/index.js';
import { FOLD_CONFIG } from './settings.js';

test('config/default.yaml says what is built in, and adds the learners of the surfaces beside it', () => {
  const { learners, ...withFile } = loadConfig({ files: ['config/default.yaml'], env: {}, fold: FOLD_CONFIG });
  const { learners: none, ...builtIn } = loadConfig({ files: [], env: {}, fold: FOLD_CONFIG });
  expect(withFile).toEqual(builtIn);
  expect(none).toEqual([]);
  expect(learners.map(({ surface }) => surface)).toEqual(['rider.pickup', 'promo.discount']);
});

test("fold settings are checked, and the cluster's are not among them", () => {
  const load = (env: NodeJS.ProcessEnv) => () => loadConfig({ files: [], env, fold: FOLD_CONFIG });
  expect(load({ ATTUNE__fold__zone__enterRatio: '0.5' })).toThrow(/fold\.zone\.enterRatio = 0\.5/);
  expect(load({ ATTUNE__fold__partitions: '3' })).toThrow(/fold\.partitions: is not a known field/);
});
