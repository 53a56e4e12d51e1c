import { describe, expect, it } from '@jest/globals';
import { fakeWorld } from '../../../test/support/gateway-fakes.js';
import { EngineError } from '../../kernel/errors.js';
import { GatewayServices } from '../services.js';

const ORIGIN = { id: '0123456789abcdef0123456789abcdef', app: 'app' };
const event = (id: string, type: string, subject = 'user/1', data: object = {}) => ({
  specversion: '1.0',
  id,
  source: 's',
  type,
  subject,
  data,
});

describe('the answer to changes of consent', () => {
  it('has what their actors say of them, each user asked once, after the last of her changes', async () => {
    const { deps, actors, ingress } = fakeWorld();
    actors.consents.set('1', [
      [{ purpose: 'ads', outcome: 'granted' }],
      [{ purpose: 'ads', outcome: 'not-newer' }],
      [{ purpose: null, outcome: 'withdrawn' }],
    ]);
    actors.consents.set('2', [[{ purpose: 'personalization', outcome: 'granted' }]]);
    const { ingest } = new GatewayServices(deps);
    ingress.refusedAt = new Set([4]);
    const { accepted, rejected } = await ingest.accept(
      [
        event('a', 'consent.granted', 'user/1', { purposes: ['ads'] }),
        event('b', 'click'),
        { ...event('c', 'consent.withdrawn', 'user/1', { purposes: ['ads'] }), time: new Date().toISOString() },
        event('d', 'consent.granted', 'user/2'),
        event('e', 'consent.granted', 'user/2'),
        event('f', 'consent.withdrawn'),
      ],
      ORIGIN,
    );
    expect(accepted.map(({ id, consent }) => [id, consent?.map(({ outcome }) => outcome)])).toEqual([
      ['a', ['granted']],
      ['b', undefined],
      ['c', ['not-newer']],
      ['d', ['granted']],
      ['f', ['withdrawn']],
    ]);
    expect(rejected.map(({ id }) => id)).toEqual(['e']);
    const asked = actors.asked.filter(({ verb }) => verb === 'consent');
    expect(asked.map(({ kind, token }) => `${kind}/${token}`)).toEqual(['user/1', 'user/2']);
    expect(asked[0]!.body).toMatchObject({
      after: accepted[4]!.token,
      changes: [
        { type: 'consent.granted', purposes: ['ads'], sequence: 1 },
        { type: 'consent.withdrawn', purposes: ['ads'], time: expect.any(String) },
        { type: 'consent.withdrawn' },
      ],
    });
  });

  it('asks nobody where nothing is about consent', async () => {
    const { deps, actors } = fakeWorld();
    const { ingest } = new GatewayServices(deps);
    const { accepted } = await ingest.accept([event('a', 'click'), event('b', 'pickup')], ORIGIN);
    expect(accepted).toEqual([
      { id: 'a', token: '1.1.abc' },
      { id: 'b', token: '1.2.abc' },
    ]);
    expect(actors.asked).toEqual([]);
  });

  it('says pending where an actor does not answer, and counts why', async () => {
    const { deps, actors } = fakeWorld();
    actors.failure = new EngineError('Dependency', 'OWNER_UNREACHABLE', 'away');
    const services = new GatewayServices(deps);
    const { accepted, status } = await services.ingest.accept(
      [event('a', 'consent.granted', 'user/1', { purposes: ['ads', 'ads'] }), event('b', 'consent.withdrawn')],
      ORIGIN,
    );
    expect(status).toBe(202);
    expect(accepted.map(({ consent }) => consent)).toEqual([
      [{ purpose: 'ads', outcome: 'pending' }],
      [{ purpose: null, outcome: 'pending' }],
    ]);
    expect(await services.metrics.text()).toContain('attune_consent_pending_total{code="OWNER_UNREACHABLE"} 2');
  });

  it('asks nobody any more once the deadline has passed, and few at once', async () => {
    const { deps, actors } = fakeWorld({ deadlineMs: 1000 });
    let nowMs = 0;
    let most = 0;
    let open = 0;
    const { request } = actors;
    actors.request = async (...args) => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setImmediate(resolve));
      open--;
      nowMs += 20;
      return request.apply(actors, args);
    };
    const clock = { ...deps.clock, monotonicMs: () => nowMs, soon: (task: () => void) => void setImmediate(task) };
    const services = new GatewayServices({ ...deps, clock });
    const batch = Array.from({ length: 200 }, (_, i) => event(`e${i}`, 'consent.granted', `user/${i}`));
    const { accepted } = await services.ingest.accept(batch, ORIGIN);
    const outcomes = accepted.map(({ consent }) => consent![0]!.outcome);
    const granted = outcomes.filter((outcome) => outcome === 'granted').length;
    expect(granted).toBeGreaterThanOrEqual(50);
    expect(granted).toBeLessThan(120);
    expect(outcomes.filter((outcome) => outcome === 'pending')).toHaveLength(200 - granted);
    expect(most).toBeLessThanOrEqual(32);
    expect(await services.metrics.text()).toContain(
      `attune_consent_pending_total{code="DEADLINE_PASSED"} ${200 - granted}`,
    );
  });
});
