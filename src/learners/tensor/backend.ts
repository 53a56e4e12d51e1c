/** The one place that loads TensorFlow.js. Only what trains does: policies score with plain typed arrays. */
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { EngineError } from '../../kernel/errors.js';

type TensorFlow = typeof import('@tensorflow/tfjs');

/**
 * `native`: TensorFlow's C library (the optional package @tensorflow/tfjs-node); `wasm`: one thread, with SIMD where the
 * processor has it; `cpu`: plain JavaScript.
 */
export const TENSOR_BACKENDS = ['native', 'wasm', 'cpu'] as const;
export type TensorBackendName = (typeof TENSOR_BACKENDS)[number];

export interface TensorBackend {
  readonly name: TensorBackendName;
  readonly tf: TensorFlow;
  /** To be awaited before every use after an await: in one thread all users of TensorFlow.js share one switch. */
  activate(): Promise<void>;
}

const require = createRequire(import.meta.url);
/** An optional dependency: where it could not be installed nothing may insist on finding it. */
const NATIVE_PACKAGE = '@tensorflow/tfjs-node';
/** What TensorFlow.js calls them. */
const REGISTERED = { native: 'tensorflow', wasm: 'wasm', cpu: 'cpu' } as const;
const loaded = new Map<TensorBackendName, Promise<TensorBackend>>();

/**
 * The wanted backend, or with `auto` the first in the order of TENSOR_BACKENDS that loads here. The same numbers come out
 * of the same backend on the same kind of machine; between backends they differ by rounding. Rejects with Configuration
 * `TENSOR_BACKEND_MISSING`.
 */
export async function tensorBackend(wanted: TensorBackendName | 'auto' = 'auto'): Promise<TensorBackend> {
  const failures: string[] = [];
  for (const name of wanted === 'auto' ? TENSOR_BACKENDS : [wanted]) {
    try {
      let backend = loaded.get(name);
      if (backend === undefined) loaded.set(name, (backend = load(name)));
      return await backend;
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
    }
  }
  throw new EngineError(
    'Configuration',
    'TENSOR_BACKEND_MISSING',
    `No backend of TensorFlow.js loads. ${failures.join('; ')}`,
    { field: 'config.backend' },
  );
}

async function load(name: TensorBackendName): Promise<TensorBackend> {
  const tf = name === 'native' ? loadNative() : (require('@tensorflow/tfjs') as TensorFlow);
  // No advice to standard error, and no check of every number: learners check what comes out.
  tf.enableProdMode();
  if (name === 'wasm') loadWasm();
  const backend: TensorBackend = {
    name,
    tf,
    async activate() {
      if (tf.getBackend() === REGISTERED[name]) return;
      if (!(await tf.setBackend(REGISTERED[name]))) throw new Error(`TensorFlow.js refuses ${REGISTERED[name]}`);
      await tf.ready();
    },
  };
  const unhook = name === 'wasm' ? hooksOfProcess() : undefined;
  await backend.activate();
  unhook?.();
  return backend;
}

/**
 * The WASM module makes itself the process's handler of errors that nobody caught, and rethrows them: what the host does
 * with such errors is not its to decide. Gives what takes away the handlers that were added since.
 */
function hooksOfProcess(): () => void {
  const events = ['uncaughtException', 'unhandledRejection'];
  const before = events.map((event) => new Set(process.listeners(event as NodeJS.Signals)));
  return () => {
    for (const [i, event] of events.entries())
      for (const listener of process.listeners(event as NodeJS.Signals))
        if (!before[i]!.has(listener)) process.off(event, listener);
  };
}

function loadNative(): TensorFlow {
  // Node 23 took away what tfjs-node 4.22 still calls.
  const util = require('node:util') as { isNullOrUndefined?: (value: unknown) => boolean };
  util.isNullOrUndefined ??= (value) => value === null || value === undefined;
  return require(NATIVE_PACKAGE) as TensorFlow;
}

function loadWasm(): void {
  const { setWasmPaths } = require('@tensorflow/tfjs-backend-wasm') as typeof import('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist') + sep);
}
