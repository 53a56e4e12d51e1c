import { describe, expect, it } from '@jest/globals';
import { subjects } from '../../messages/subjects.js';
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
