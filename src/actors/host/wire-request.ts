/** Requests over NATS: JSON in, JSON out; errors as `{"error": {family, code, message, field}}`. */
import { isExcess, JSON_BOUNDS, parseBoundedJson } from '../../kernel/bounded-json.js';
import { EngineError, invalidRequest } from '../../kernel/errors.js';
import { decodeToken, ENGINE_APP } from '../../kernel/ids.js';
import { ACTOR_KINDS, parsePartitionSubject, type ActorKindName } from '../../messages/subjects.js';
import type { ActorAddress, Asker } from './actor-kind.js';
import type { RequestEnvelope } from './ports.js';

export interface RequestAnswers {
  /** Whether the app is one of the configuration's; the engine itself is not asked about. */
  knows(app: string): boolean;
  actor(address: ActorAddress, verb: string, body: unknown, asker: Asker): Promise<unknown>;
  /** Requests to the partition itself, on the kind `partition`. */
  partition(verb: string, body: unknown): Promise<unknown>;
}

/** Never rejects: whatever goes wrong is an answer. */
export async function answerRequest(request: RequestEnvelope, answers: RequestAnswers): Promise<Uint8Array> {
  try {
    const subject = parsePartitionSubject(request.subject);
    if (subject && subject.app !== ENGINE_APP && !answers.knows(subject.app)) throw unknownApp(subject.app);
    // No mapping leads there, so only the engine can ask it.
    if (subject?.kind === 'partition' && subject.app === ENGINE_APP)
      return reply(await answers.partition(subject.name, parseBody(request.payload)));
    if (!subject || !(ACTOR_KINDS as readonly string[]).includes(subject.kind)) {
      throw new EngineError('NotFound', 'KIND_UNKNOWN', 'There are no actors of this kind.');
    }
    if (decodeToken(subject.token) === undefined)
      throw invalidRequest('ID_INVALID', 'The id is not a well-formed token.', 'id');
    const address = { kind: subject.kind as ActorKindName, token: subject.token };
    const asker = { app: subject.app, trace: request.trace };
    return reply(await answers.actor(address, subject.name, parseBody(request.payload), asker));
  } catch (error) {
    return Buffer.from(JSON.stringify({ error: EngineError.from(error).toWire() }));
  }
}

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
