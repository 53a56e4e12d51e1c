import { describe, expect, it } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { loadPlugin, parseLearnerConfig } from './plugin-registry.js';

describe('the learner plug-in registry', () => {
  it('knows the built-in kinds and fills in their configuration', async () => {
    const plugin = await loadPlugin('beta-thompson');
    expect(parseLearnerConfig(plugin, undefined)).toMatchObject({ prior: [1, 1], censored: 'skip' });
    expect((await loadPlugin('q-learning')).kind).toBe('q-learning');
  });

  it('names the field of a wrong configuration', async () => {
    const plugin = await loadPlugin('q-learning');
    expect(() => parseLearnerConfig(plugin, { discount: 2 })).toThrow(
      expect.objectContaining({ code: 'LEARNER_CONFIG_INVALID', field: 'config.discount' }),
    );
  });

  it('refuses a kind that is neither built in nor a module, and a module that is no plug-in', async () => {
    await expect(loadPlugin('no-such-learner')).rejects.toMatchObject({ code: 'LEARNER_KIND_UNKNOWN' });
    const notOne = fileURLToPath(new URL('./experience-schema.ts', import.meta.url));
    await expect(loadPlugin(notOne)).rejects.toMatchObject({ code: 'LEARNER_PLUGIN_INVALID' });
  });
});
