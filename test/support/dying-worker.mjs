/** A worker thread that ends at whatever it is asked. */
import { parentPort } from 'node:worker_threads';

parentPort.on('message', () => process.exit(1));
