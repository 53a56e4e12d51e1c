/** A learner in another process, as far as the bench needs one: it claims its lease and publishes. */
import { createHash } from 'node:crypto';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { PIECE_CHARACTERS_MAX } from '../../src/messages/external-learner.js';
import { until } from './status.js';

const ASKED_MS_MAX = 10_000;

export interface OutsideLearner {
  /** Resolves to the version that it is now. */
  publish(family: string, parameters: unknown): Promise<number>;
  close(): Promise<void>;
}

interface Claim {
  readonly epoch: number;
  readonly session: string;
}

/** Resolves once the lease is its own. */
export async function outsideLearner(
  nats: { readonly url: string; readonly user: string; readonly pass: string },
  id: string,
): Promise<OutsideLearner> {
  const { url: servers, user, pass } = nats;
  const nc = await connect({ servers, user, pass, inboxPrefix: '_INBOX.outside' });
  const claimed = await claim(nc, id);
  const ask = <T>(verb: string, request: object): Promise<T> => asked<T>(nc, id, verb, { ...claimed, ...request });
  let uploads = 0;
  return {
    publish: async (family, parameters) => {
      const text = JSON.stringify(parameters);
      const upload = `u${++uploads}`;
      for (let part = 0; part * PIECE_CHARACTERS_MAX < text.length; part++) {
        const piece = text.slice(part * PIECE_CHARACTERS_MAX, (part + 1) * PIECE_CHARACTERS_MAX);
        await ask('upload', { upload, part, text: piece });
      }
      const sha256 = createHash('sha256').update(text).digest('hex');
      const request = { schema: 1, family, upload, sha256, cursor: null, experiences: uploads };
      return (await ask<{ version: number }>('publish', request)).version;
    },
    close: () => nc.close(),
  };
}

async function claim(nc: NatsConnection, id: string): Promise<Claim> {
  let claimed: Claim | undefined;
  await until('the lease of the learner outside', async () => {
    claimed = await asked<Claim>(nc, id, 'claim', { worker: 'bench', instance: 'one' }).catch(() => undefined);
    return claimed !== undefined;
  });
  const { epoch, session } = claimed!;
  return { epoch, session };
}

async function asked<T>(nc: NatsConnection, id: string, verb: string, request: object): Promise<T> {
  const reply = await nc.request(`attune.learner.${id}.${verb}`, JSON.stringify(request), { timeout: ASKED_MS_MAX });
  const answer = reply.json<T & { error?: { code: string; message: string } }>();
  if (answer.error !== undefined) throw new Error(`${answer.error.code}: ${answer.error.message}`);
  return answer;
}
