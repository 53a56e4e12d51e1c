/** Connections: how many, and how long a slow one may take. */
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { EngineError } from '../../kernel/errors.js';
import { addressKey } from '../auth/addresses.js';
import { answerOnSocket } from './unparsed.js';

/** How often connections are looked at: what is too slow is cut off twice this late, at most. */
export const CHECK_MS = 1000;

export interface ConnectionLimits {
  readonly connectionsMax: number;
  /** 0: no limit. */
  readonly connectionsPerAddressMax: number;
  readonly slowClientMs: number;
}

/**
 * Bounds the connections of `server` and of each address, and ends those on which an answer is not taken within
 * slowClientMs of having begun. (Requests that take that long to arrive are Node's own `requestTimeout` to end.)
 */
export function boundConnections(server: Server, limits: ConnectionLimits): void {
  server.maxConnections = limits.connectionsMax;
  if (limits.connectionsPerAddressMax > 0) boundAddresses(server, limits.connectionsPerAddressMax);
  endSlowReaders(server, limits.slowClientMs);
}

function boundAddresses(server: Server, max: number): void {
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const address = addressKey(socket.remoteAddress);
    const count = (open.get(address) ?? 0) + 1;
    open.set(address, count);
    socket.once('close', () => {
      const left = open.get(address)! - 1;
      if (left === 0) open.delete(address);
      else open.set(address, left);
    });
    if (count <= max) return;
    const message = `This address has ${max} connections open, and may have no more.`;
    answerOnSocket(socket, new EngineError('Overloaded', 'CONNECTIONS_TOO_MANY', message));
    socket.destroySoon();
  });
}

function endSlowReaders(server: Server, slowMs: number): void {
  /** Answers under way, and when they were first seen to have begun: until its head is written it is the engine that takes its time. */
  const underWay = new Map<ServerResponse, number>();
  server.on('request', (_request, response: ServerResponse) => {
    underWay.set(response, Infinity);
    response.once('close', () => underWay.delete(response));
  });
  const sweep = setInterval(
    () => {
      const nowMs = performance.now();
      for (const [response, begunMs] of underWay) {
        if (!response.headersSent) continue;
        if (begunMs === Infinity) underWay.set(response, nowMs);
        else if (nowMs - begunMs >= slowMs) {
          underWay.delete(response);
          response.socket?.destroy();
        }
      }
    },
    Math.min(CHECK_MS, slowMs),
  ).unref();
  server.once('close', () => clearInterval(sweep));
}
