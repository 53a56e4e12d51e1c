/** Requests over NATS: JSON in, JSON out; errors as `{"error": {family, code, message, field}}`. */
import { isExcess, JSON_BOUNDS, parseBoundedJson } from '../../kernel/bounded-json.js';
import { EngineError, invalidRequest } from '../../kernel/errors.js';
import { appName, decodeToken, ENGINE_APP } from '../../kernel/ids.js';
import { ACTOR_KINDS, askerOf, parsePartitionSubject, type ActorKindName } from '../../messages/subjects.js';
import { VERBS, type Verbs } from '../../messages/verbs.js';
import type { ActorAddress, Asker } from './actor-kind.js';
import type { RequestEnvelope } from './ports.js';

/** A line of the audit log, of a request that an app made by itself; a gateway's own are in the gateway's log. */
export interface RequestAudit {
  info(message: string, fields: Record<string, unknown>): void;
}

export interface RequestAnswers {
  /** Whether the app is one of the configuration's; the engine itself is not asked about. */
  knows(app: string): boolean;
  actor(address: ActorAddress, verb: string, body: unknown, asker: Asker): Promise<unknown>;
  /** Requests to the partition itself, on the kind `partition`. */
  partition(verb: string, body: unknown): Promise<unknown>;
  readonly audit?: RequestAudit | undefined;
}

/** Never rejects: whatever goes wrong is an answer. */
export async function answerRequest(request: RequestEnvelope, answers: RequestAnswers): Promise<Uint8Array> {
  try {
    const subject = parsePartitionSubject(request.subject);
    const { app, isForwarded } = askerOf(subject?.app ?? ENGINE_APP);
    if (app !== ENGINE_APP && !answers.knows(app)) throw unknownApp(app);
    // No mapping leads there, so only the engine can ask it.
    if (subject?.kind === 'partition' && subject.app === ENGINE_APP)
      return reply(await answers.partition(subject.name, parseBody(request.payload)));
    if (!subject || !(ACTOR_KINDS as readonly string[]).includes(subject.kind)) {
      throw new EngineError('NotFound', 'KIND_UNKNOWN', 'There are no actors of this kind.');
    }
    if (decodeToken(subject.token) === undefined)
      throw invalidRequest('ID_INVALID', 'The id is not a well-formed token.', 'id');
    const address = { kind: subject.kind as ActorKindName, token: subject.token };
    const isDirect = !isForwarded && app !== ENGINE_APP;
    const asker = { app, trace: request.trace, isDirect, bytes: request.payload.length };
    const ask = (body: unknown): Promise<unknown> => answers.actor(address, subject.name, body, asker);
    if (!isDirect) return reply(await ask(parseBody(request.payload)));
    return reply(await audited(address, subject.name, request, asker, answers.audit, ask));
  } catch (error) {
    return Buffer.from(JSON.stringify({ error: EngineError.from(error).toWire() }));
  }
}

/** Asks, and writes down who asked for what and how it ended, where the verb says so. */
async function audited(
  address: ActorAddress,
  verb: string,
  request: RequestEnvelope,
  { app, trace }: Asker,
  audit: RequestAudit | undefined,
  ask: (body: unknown) => Promise<unknown>,
): Promise<unknown> {
  const verbs: Verbs = VERBS[address.kind];
  const what = Object.hasOwn(verbs, verb) ? verbs[verb]!.audited : undefined;
  if (what === undefined || audit === undefined) return ask(parseBody(request.payload));
  let code: string | undefined;
  let body: unknown;
  try {
    body = parseBody(request.payload);
    return await ask(body);
  } catch (error) {
    code = EngineError.from(error).code;
    throw error;
  } finally {
    audit.info(what === 'act' ? 'Operator acted.' : 'Personal data read.', {
      by: appName(app),
      action: `NATS ${address.kind} ${verb}`,
      target: { id: decodeToken(address.token) },
      command: textOf(body, 'name'),
      says: textOf(body, 'by'),
      refused: code,
      trace,
    });
  }
}

/** The whole field, where it is a text of a sane length. */
function textOf(body: unknown, field: string): string | undefined {
  const value = typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[field] : undefined;
  return typeof value === 'string' && value.length <= TEXT_MAX ? value : undefined;
}

const TEXT_MAX = 200;

const reply = (body: unknown): Uint8Array => Buffer.from(JSON.stringify(body ?? null));

const unknownApp = (app: string): EngineError =>
  new EngineError('Forbidden', 'APP_UNKNOWN', `The engine's configuration has no app ${app}.`, { field: 'app' });

function parseBody(payload: Uint8Array): unknown {
  if (payload.length === 0) return {};
  try {
    return parseBoundedJson(payload, JSON_BOUNDS.request);
  } catch (error) {
    if (isExcess(error)) throw error;
    throw invalidRequest('JSON_MALFORMED', 'The request is not JSON.');
  }
}
