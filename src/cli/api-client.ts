/** A client of the engine's REST API, as an app would write one. */
import { EngineError, type ErrorFamily } from '../kernel/errors.js';
import type { DecisionAnswer } from '../messages/decisions.js';
import type { ZoneFacts } from '../messages/zones.js';

/** An attempt is given up after this; the caller decides whether to try again. */
const REQUEST_TIMEOUT_MS = 30_000;

export interface ApiEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** `<kind>/<id>`. */
  readonly subject: string;
  /** ISO 8601; the engine's own time if left out. */
  readonly time?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface IngestAnswer {
  readonly accepted: readonly { readonly id: string; readonly token: string }[];
  readonly rejected: readonly RejectedEvent[];
}

export interface RejectedEvent {
  readonly index: number;
  readonly id: string | null;
  readonly code: string;
  readonly message: string;
  readonly field: string | null;
}

interface WireBody {
  readonly code?: string;
  readonly message?: string;
  readonly field?: string | null;
}

const FAMILIES: Readonly<Record<number, ErrorFamily>> = {
  400: 'InvalidRequest',
  401: 'Unauthenticated',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  429: 'Overloaded',
  503: 'Dependency',
};

/** All calls reject with the API's own error, or with Dependency `API_UNREACHABLE`. Connections are kept alive. */
export class ApiClient {
  private readonly headers: Readonly<Record<string, string>>;

  constructor(
    /** As in http://127.0.0.1:8080. */
    readonly url: string,
    apiKey?: string,
  ) {
    this.headers = {
      'content-type': 'application/json',
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    };
  }

  get<T>(path: string): Promise<T> {
    return this.call<T>('GET', path).then(({ body }) => body);
  }

  post<T>(path: string, body: unknown): Promise<T> {
    return this.call<T>('POST', path, body).then((answer) => answer.body);
  }

  decide(request: Readonly<Record<string, unknown>>): Promise<DecisionAnswer> {
    return this.post<DecisionAnswer>('/v1/decisions', request);
  }

  /** A batch of which nothing was accepted is an answer like any other: its list says why. */
  async send(events: readonly ApiEvent[]): Promise<IngestAnswer> {
    const batch = events.map((event) => ({ specversion: '1.0', ...event }));
    const { status, body } = await this.call<IngestAnswer & WireBody>('POST', '/v1/events', batch, true);
    if (Array.isArray(body.rejected)) return { accepted: body.accepted ?? [], rejected: body.rejected };
    throw asError(status, body);
  }

  /** What the zone itself says. */
  zone(cell: string): Promise<ZoneFacts> {
    return this.get<ZoneFacts>(`/v1/zones/${cell}`);
  }

  /** What the gateway's replica says of these zones; those it does not know are left out. */
  async replicatedZones(cells: readonly string[]): Promise<readonly ZoneFacts[]> {
    const { zones } = await this.get<{ zones: readonly ZoneFacts[] }>(
      `/v1/zones?limit=${cells.length}&cells=${cells.join(',')}`,
    );
    return zones;
  }

  private async call<T>(
    method: string,
    path: string,
    body?: unknown,
    keepErrors = false,
  ): Promise<{ status: number; body: T }> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(new URL(path, this.url), {
        method,
        headers: this.headers,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      text = await response.text();
    } catch (error) {
      throw new EngineError('Dependency', 'API_UNREACHABLE', `${this.url} does not answer.`, { cause: error });
    }
    const answer = parse(text);
    if (!response.ok && !keepErrors) throw asError(response.status, answer as WireBody);
    return { status: response.status, body: answer as T };
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return {};
  }
}

function asError(status: number, { code, message, field }: WireBody): EngineError {
  return new EngineError(
    FAMILIES[status] ?? 'Invariant',
    code ?? 'API_ANSWER_UNREADABLE',
    message ?? `The API answered ${status} with what is no JSON.`,
    typeof field === 'string' ? { field } : {},
  );
}
