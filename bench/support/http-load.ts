/** Load over HTTP: as much as goes over a number of connections, or an open loop at a steady rate. */
import { Agent, request as httpRequest } from 'node:http';
import autocannon from 'autocannon';

const HEADERS = { 'content-type': 'application/json' } as const;
const FAILURES_SHOWN = 3;

export interface Flood {
  /** Requests a second that were answered with success. */
  readonly rate: number;
  readonly answered: number;
  /** CPU time of this client per request: near 1e6/rate, the client is what limits. */
  readonly clientUs: number;
}

export interface FloodOptions {
  readonly url: string;
  readonly path: string;
  readonly seconds: number;
  readonly connections: number;
  /** The bodies that one connection sends in turn. */
  readonly bodiesOf: (connection: number) => readonly string[];
}

/** One request after the other on each connection. Rejects if anything is answered with other than success. */
export async function flood({ url, path, seconds, connections, bodiesOf }: FloodOptions): Promise<Flood> {
  let connection = 0;
  const startedCpu = process.cpuUsage();
  const outcome = await autocannon({
    url: `${url}${path}`,
    connections,
    duration: seconds,
    // Every client gets a copy of these, so they are few; its own come in setupClient.
    requests: [{ method: 'POST', path, headers: HEADERS, body: '{}' }],
    setupClient: (client) => {
      const bodies = bodiesOf(connection++);
      client.setRequests(bodies.map((body) => ({ method: 'POST', path, headers: HEADERS, body })));
    },
  });
  const { user, system } = process.cpuUsage(startedCpu);
  const answered = outcome['2xx'];
  if (outcome.non2xx > 0 || outcome.errors > 0) {
    throw new Error(
      `${outcome.non2xx} requests to ${path} were refused, ${outcome.errors} failed, ${answered} succeeded`,
    );
  }
  return { rate: answered / outcome.duration, answered, clientUs: (user + system) / Math.max(1, answered) };
}

export interface PacedOptions {
  readonly url: string;
  readonly path: string;
  readonly seconds: number;
  readonly perSecond: number;
  readonly connections: number;
  readonly body: (n: number) => string;
}

/**
 * Sends at a steady rate, whatever is answered. Resolves to milliseconds from when each request was due to its answer: what
 * waited for a free connection waited (Tene, "How NOT to measure latency"). Rejects if anything fails.
 */
export async function paced({ url, path, seconds, perSecond, connections, body }: PacedOptions): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const total = Math.floor(seconds * perSecond);
  const latenciesMs: number[] = [];
  const failures: string[] = [];
  await new Promise<void>((resolve) => {
    const startedMs = performance.now();
    let sent = 0;
    let done = 0;
    const finish = (dueMs: number, failure?: string): void => {
      if (failure === undefined) latenciesMs.push(performance.now() - startedMs - dueMs);
      else failures.push(failure);
      if (++done === total) resolve();
    };
    const tick = (): void => {
      const due = Math.min(total, ((performance.now() - startedMs) / 1000) * perSecond);
      for (; sent < due; sent++) send(agent, url + path, body(sent), (sent * 1000) / perSecond, finish);
      if (sent < total) setTimeout(tick, 1);
    };
    tick();
  });
  agent.destroy();
  if (failures.length > 0) {
    throw new Error(`${failures.length} of ${total} requests failed: ${failures.slice(0, FAILURES_SHOWN).join('; ')}`);
  }
  return latenciesMs;
}

function send(
  agent: Agent,
  url: string,
  body: string,
  dueMs: number,
  finish: (dueMs: number, failure?: string) => void,
): void {
  const call = httpRequest(url, { agent, method: 'POST', headers: HEADERS }, (response) => {
    response.resume();
    response.once('end', () => finish(dueMs, response.statusCode! < 300 ? undefined : `status ${response.statusCode}`));
  });
  call.once('error', (error) => finish(dueMs, error.message));
  call.end(body);
}

/** One request; rejects on anything but success. */
export async function postJson<T>(url: string, path: string, body: unknown): Promise<T> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: HEADERS,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text.slice(0, 300)}`);
  return JSON.parse(text) as T;
}

export async function getJson<T>(url: string, path: string): Promise<T> {
  const response = await fetch(`${url}${path}`);
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return (await response.json()) as T;
}
