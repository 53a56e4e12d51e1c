/** Plain HTTP against an engine under test: status, headers and body, whatever they are. */
export interface RestAnswer<T = any> {
  /** 0 where the connection failed. */
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

const TIMEOUT_MS = 15_000;

export async function rest<T = any>(
  base: string,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<RestAnswer<T>> {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  try {
    const response = await fetch(`${base}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: isRaw ? (body as string) : JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parse(text) as T };
  } catch (error) {
    return { status: 0, headers: new Headers(), body: { code: 'CONNECTION', message: String(error) } as T };
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

export const get = <T = any>(base: string, path: string): Promise<RestAnswer<T>> => rest<T>(base, 'GET', path);

export const post = <T = any>(
  base: string,
  path: string,
  body: unknown,
  headers?: Readonly<Record<string, string>>,
): Promise<RestAnswer<T>> => rest<T>(base, 'POST', path, body, headers);

export interface TestEvent {
  readonly id: string;
  readonly type: string;
  /** `<kind>/<id>`. */
  readonly subject: string;
  readonly source?: string;
  readonly time?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export const cloudEvent = (event: TestEvent): Record<string, unknown> => ({
  specversion: '1.0',
  source: 'test',
  ...event,
});

/** Gives consent; resolves to the token of the event. */
export async function consent(base: string, user: string): Promise<string> {
  const event = cloudEvent({ id: `consent-${user}`, type: 'consent.granted', subject: `user/${user}` });
  const { status, body } = await post(base, '/v1/events', event);
  if (status !== 202) throw new Error(`consent was not taken: ${status} ${JSON.stringify(body)}`);
  return body.accepted[0].token as string;
}

const DOORS = ['door-a', 'door-b', 'door-c'].map((id, i) => ({ id, features: { distanceM: 40 * (i + 1) } }));

/** A request of rider.pickup. */
export const pickup = (user: string, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  surface: 'rider.pickup',
  subject: { kind: 'rider', id: user },
  context: { lat: 40.75, lng: -73.98 },
  candidates: DOORS,
  k: 2,
  ...more,
});
