/** Bodies: JSON in its three media types, plain or gzipped, bounded before and after unpacking, and before parsing. */
import { isUtf8 } from 'node:buffer';
import { gunzip } from 'node:zlib';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { JSON_BOUNDS, refuseExcess } from '../../kernel/bounded-json.js';
import { EngineError, invalidRequest } from '../../kernel/errors.js';
import type { RequestLimits } from '../auth/request-limits.js';
import { toEngineError } from '../error-mapping.js';

export const JSON_TYPE = 'application/json';
export const EVENT_TYPE_JSON = 'application/cloudevents+json';
export const BATCH_TYPE_JSON = 'application/cloudevents-batch+json';

/** What packs better than this is not JSON that somebody meant to send; up to RATIO_FREE_BYTES nobody asks. */
const UNPACK_RATIO_MAX = 100;
const RATIO_FREE_BYTES = 64 * 1024;

type Done = (error: Error | null, body?: unknown) => void;

/** Installs the parsers; every failure is an EngineError with a `BODY_*`, `JSON_*` or `ENCODING_*` code. */
export function installBodyParsers(server: FastifyInstance, bytesMax: number, limits: RequestLimits): void {
  // Fastify's own parser refuses `__proto__` and `constructor.prototype` keys.
  const parseJson = server.getDefaultJsonParser('error', 'error') as (
    request: FastifyRequest,
    body: string,
    done: Done,
  ) => void;
  const parseText = (request: FastifyRequest, bytes: Buffer, done: Done): void => {
    if (!isUtf8(bytes)) {
      done(invalidRequest('BODY_MALFORMED', 'The body is not UTF-8.'));
      return;
    }
    try {
      limits.chargeBytes(request, bytes.length);
      refuseExcess(bytes, JSON_BOUNDS.request);
    } catch (error) {
      done(error as Error);
      return;
    }
    parseJson(request, bytes.toString('utf8'), (error, body) => {
      if (error) done(jsonError(error));
      else done(null, body);
    });
  };
  server.removeAllContentTypeParsers();
  server.addContentTypeParser(
    [JSON_TYPE, EVENT_TYPE_JSON, BATCH_TYPE_JSON],
    { parseAs: 'buffer', bodyLimit: bytesMax },
    (request, body: Buffer, done) => {
      const encoding = request.headers['content-encoding'];
      if (encoding === undefined || encoding === 'identity') {
        parseText(request, body, done);
        return;
      }
      if (encoding.toLowerCase() !== 'gzip') {
        done(invalidRequest('ENCODING_UNSUPPORTED', 'Content-Encoding must be gzip or left out.', 'content-encoding'));
        return;
      }
      const unpackedMax = Math.min(bytesMax, Math.max(RATIO_FREE_BYTES, body.length * UNPACK_RATIO_MAX));
      gunzip(body, { maxOutputLength: unpackedMax }, (error, unpacked) => {
        if (error) done(gunzipError(error, bytesMax, unpackedMax));
        else parseText(request, unpacked, done);
      });
    },
  );
}

/** Node's parser says where it stopped; that, and nothing of the body, is passed on. */
function jsonError(error: Error): EngineError {
  const known = toEngineError(error);
  if (known.code === 'BODY_EMPTY') return known;
  const cause = error.cause instanceof Error ? error.cause.message : error.message;
  const at = /position \d+(?: \(line \d+ column \d+\))?/.exec(cause)?.[0];
  return new EngineError(
    'InvalidRequest',
    'JSON_MALFORMED',
    `The body is not well-formed JSON${at === undefined ? '' : ` at ${at}`}. NaN and Infinity are not JSON.`,
    { cause: error },
  );
}

function gunzipError(error: NodeJS.ErrnoException, bytesMax: number, unpackedMax: number): EngineError {
  if (error.code === 'ERR_BUFFER_TOO_LARGE') {
    if (unpackedMax < bytesMax) {
      const message = `The body unpacks to more than ${UNPACK_RATIO_MAX} times its size.`;
      return invalidRequest('BODY_UNPACKS_TOO_FAR', message, 'content-encoding');
    }
    return invalidRequest('BODY_TOO_LARGE', `The unpacked body is larger than ${bytesMax} bytes.`);
  }
  if (error.code === 'Z_BUF_ERROR') {
    return invalidRequest('BODY_TRUNCATED', 'The gzipped body ends before its time.');
  }
  return invalidRequest('BODY_MALFORMED', 'The body is not gzip, though Content-Encoding says so.');
}
