import { describe, expect, it } from '@jest/globals';
import { EngineError } from '../../kernel/errors.js';
import { APP_NAME } from '../../kernel/ids.js';
import { subjects } from '../../messages/subjects.js';
import type { Asker } from './actor-kind.js';
import { answerRequest } from './wire-request.js';

const ask = async (subject: string): Promise<unknown> => {
  const bytes = await answerRequest(
    { subject, payload: Buffer.from('{}'), trace: undefined },
    {
      knows: (app) => app === 'rider',
      actor: (_address, _verb, _body, { app }) => Promise.resolve({ app }),
      partition: (verb) => Promise.resolve({ verb }),
    },
  );
  return JSON.parse(Buffer.from(bytes).toString('utf8'));
};
const view = (app: string): string => subjects.partitionRequest(0, app, 'user', '42', 'view');

describe('requests over NATS', () => {
  it('are answered to the apps of the configuration and to the engine', async () => {
    expect(await ask(view('rider'))).toEqual({ app: 'rider' });
    expect(await ask(view('engine'))).toEqual({ app: 'engine' });
    expect(await ask(subjects.partitionItself(0, 'redrive'))).toEqual({ verb: 'redrive' });
  });

  it.each(['stranger', 'Rider', '__proto__'])(
    'of the app %s, which the configuration does not have, are refused',
    async (app) => {
      const error = { family: 'Forbidden', code: 'APP_UNKNOWN', field: 'app' };
      expect(await ask(view(app))).toMatchObject({ error });
      expect(await ask(`attune.p.0.req.${app}.partition._.redrive`)).toMatchObject({ error });
    },
  );
});

describe('what an app asks by itself', () => {
  const lines: (readonly [string, Record<string, unknown>])[] = [];
  const asked: Asker[] = [];
  const send = async (subject: string, body: unknown = {}, fails = false): Promise<void> => {
    lines.length = asked.length = 0;
    await answerRequest(
      { subject, payload: Buffer.from(JSON.stringify(body)), trace: 't' },
      {
        knows: (app) => app === 'rider',
        actor: (_address, _verb, _body, asker) => {
          asked.push(asker);
          return fails ? Promise.reject(new EngineError('Conflict', 'CAMPAIGN_STATE', 'no')) : Promise.resolve({});
        },
        partition: () => Promise.resolve({}),
        audit: { info: (message, fields) => void lines.push([message, fields]) },
      },
    );
  };

  it('is in the audit log once, with its name and how it ended', async () => {
    const command = subjects.partitionRequest(0, 'rider', 'campaign', 'rain', 'command');
    const line = {
      by: 'app:rider',
      action: 'NATS campaign command',
      target: { id: 'rain' },
      command: 'end',
      says: 'ada',
    };
    await send(command, { name: 'end', by: 'ada' });
    expect(lines).toEqual([['Operator acted.', expect.objectContaining({ ...line, refused: undefined, trace: 't' })]]);
    await send(command, { name: 'end', by: 'ada' }, true);
    expect(lines).toEqual([['Operator acted.', expect.objectContaining({ ...line, refused: 'CAMPAIGN_STATE' })]]);
    for (const verb of ['view', 'decision']) {
      await send(subjects.partitionRequest(0, 'rider', 'user', '4=2E2', verb));
      const target = { id: '4.2' };
      expect(lines).toEqual([['Personal data read.', expect.objectContaining({ by: 'app:rider', target })]]);
    }
    // With its bytes, which its app's part is made of.
    expect(asked).toEqual([expect.objectContaining({ app: 'rider', isDirect: true, bytes: 2 })]);
  });

  it.each(['decide', 'toString', 'nonsense'])('is not where the verb is %s', async (verb) => {
    await send(subjects.partitionRequest(0, 'rider', 'user', '42', verb));
    expect(lines).toEqual([]);
  });

  it('is told from what a gateway asks for it, which has a log of its own', async () => {
    await send(subjects.forwardedRequest(0, 'rider', 'campaign', 'rain', 'command'));
    expect(asked).toEqual([expect.objectContaining({ app: 'rider', isDirect: false })]);
    expect(lines).toEqual([]);
    await send(subjects.forwardedRequest(0, 'stranger', 'campaign', 'rain', 'command'));
    expect(asked).toEqual([]);
  });

  it('cannot have a name that looks like a gateway asks', () => {
    const [, , , , token] = subjects.forwardedRequest(0, 'rider', 'user', '42', 'view').split('.');
    expect(APP_NAME.test(token!)).toBe(false);
  });
});
