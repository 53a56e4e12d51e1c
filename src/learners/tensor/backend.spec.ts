import { describe, expect, it } from '@jest/globals';
import { TENSOR_BACKENDS, tensorBackend, type TensorBackendName } from './backend.js';

describe('the backend of TensorFlow.js', () => {
  it('is the first that loads', async () => {
    const loads: TensorBackendName[] = [];
    for (const name of TENSOR_BACKENDS)
      await tensorBackend(name).then(
        () => loads.push(name),
        (error: unknown) => expect(error).toMatchObject({ code: 'TENSOR_BACKEND_MISSING', field: 'config.backend' }),
      );
    expect(loads).toEqual(expect.arrayContaining(['wasm', 'cpu']));
    expect((await tensorBackend()).name).toBe(loads[0]);
  });

  it('is switched by whoever uses it next', async () => {
    const [wasm, cpu] = [await tensorBackend('wasm'), await tensorBackend('cpu')];
    await wasm.activate();
    expect(wasm.tf.getBackend()).toBe('wasm');
    await cpu.activate();
    expect(wasm.tf.getBackend()).toBe('cpu');
  });

  it('leaves it to the host what becomes of errors that nobody caught', async () => {
    await tensorBackend('wasm');
    const sources = process.listeners('uncaughtException').map(String);
    expect(sources.filter((source) => source.includes('ExitStatus'))).toEqual([]);
  });
});
