/**
 * What `/docs` shows of each operation: requests that can be sent as they are, one after the other, and what came back.
 * The requests are checked against the schemas in openapi-examples.spec.ts.
 */
import type { LearnerStatus } from '../../actors/learner/status.js';

export interface OperationExamples {
  /** Named bodies, the one to begin with first. */
  readonly requests?: Readonly<Record<string, unknown>>;
  /** Status of success. */
  readonly status: number;
  readonly answerIs: string;
  readonly answer: unknown;
  /** Answers that are no errors of the usual form, by status. */
  readonly others?: Readonly<Record<string, { readonly answerIs: string; readonly answer: unknown }>>;
}

const DECISION_ID = '57e40f6337114f6c895654711c750e89.user.42';
const TOKEN = '3.4.1h3ds2tt2r41m';
const CELL = '882a100d67fffff';

const zone = {
  cell: CELL,
  atMs: 1795383835056,
  sequence: 4,
  mode: 'undersupplied',
  pickups: 1,
  drivers: 0,
  pickupsTotal: 1,
  hoursSeen: 1,
  expectedByHour: [],
  hourIndex: 498717,
  thisHour: 1,
  lastHour: 0,
  incentiveCents: 250,
};

const slate = [
  {
    id: 'corner',
    score: 0.5,
    propensity: 0.3333333333333333,
    reasons: [{ code: 'untried', text: 'It is new here and gets a chance.', contribution: 0.5 }],
  },
];

const event = (id: string, type: string, data: object): object => ({
  specversion: '1.0',
  id,
  source: 'docs',
  type,
  subject: 'user/42',
  data,
});

/** See src/actors/learner/status.ts. */
const learner: LearnerStatus = {
  id: 'pickup',
  kind: 'beta-thompson',
  surface: 'rider.pickup',
  policy: 'pickup-thompson',
  mode: 'learning',
  epoch: 41,
  runtime: null,
  version: 13,
  lastPublishMs: 1795385226914,
  experiences: 2051,
  learned: 2032,
  corrections: 3,
  rewardMean: 0.62,
  lossMean: 0.19,
  regretProxy: 0.04,
  explorationShare: 0.21,
  coverage: { actions: 0.93, states: 0 },
  stalenessMs: 700,
  unpublished: 12,
  gate: null,
  publishing: {
    publish: false,
    code: 'too-soon',
    text: '12 experiences learned since the live version; published 700 ms ago, and not before 2000 ms.',
  },
  held: null,
  position: 2240,
  lag: 0,
  skipped: { past: 0, ahead: 0, malformed: 0 },
  reason: null,
  failures: 0,
};

/** By `METHOD path`, in the order in which a newcomer meets them. */
export const OPERATION_EXAMPLES: Readonly<Record<string, OperationExamples>> = {
  'post /v1/decisions': {
    requests: {
      'rider.pickup': {
        surface: 'rider.pickup',
        subject: { kind: 'rider', id: '42' },
        context: { lat: 40.75, lng: -73.98 },
        candidates: [
          { id: 'door-a', features: { distanceM: 40 } },
          { id: 'corner', features: { distanceM: 15 } },
        ],
        k: 1,
        requestId: 'trip-1',
      },
      'driver.heatmap': {
        surface: 'driver.heatmap',
        subject: { kind: 'driver', id: '7' },
        context: { lat: 40.75, lng: -73.98 },
        k: 5,
      },
      'promo.discount': { surface: 'promo.discount', subject: { kind: 'rider', id: '42' } },
    },
    status: 200,
    answerIs: 'The slate, with the probability of each item and the reasons for it',
    answer: {
      decisionId: DECISION_ID,
      surface: 'rider.pickup',
      slate,
      policy: { id: 'pickup-thompson', version: 1 },
      personalized: true,
      filtered: [],
      degraded: [],
      fallbackReason: null,
      validUntil: '2026-11-22T21:42:08.594Z',
      token: TOKEN,
      latencyMs: 4.584,
    },
  },
  'get /v1/decisions/{id}': {
    status: 200,
    answerIs: 'The decision as it was journaled',
    answer: {
      id: DECISION_ID,
      requestId: 'trip-1',
      surface: 'rider.pickup',
      subjectKind: 'rider',
      atMs: 1795383428594,
      slate,
      eligible: ['door-a', 'door-b', 'corner'],
      distribution: [0.3333333333333333, 0.3333333333333333, 0.3333333333333333],
      explorationFloor: 0.05,
      policy: { id: 'pickup-thompson', version: 1 },
      windowMs: 1800000,
    },
  },
  'post /v1/decisions/{id}/reward': {
    requests: { 'it was taken': { value: 1 } },
    status: 202,
    answerIs: 'The reward is journaled',
    answer: { id: 'fb8511b3-01dc-42fb-89a1-ca62bee70861', token: TOKEN },
  },
  'post /v1/events': {
    requests: {
      consent: event('c1', 'consent.granted', { purposes: ['personalization'] }),
      accept: event('e1', 'accept', { decisionId: DECISION_ID }),
      'a pickup in a zone': { specversion: '1.0', id: 'p1', source: 'docs', type: 'pickup', subject: `zone/${CELL}` },
    },
    status: 202,
    answerIs: 'What was accepted is durable; what was not is listed with the reason',
    answer: {
      accepted: [
        { id: 'e1', token: TOKEN },
        { id: 'c1', token: TOKEN, consent: [{ purpose: 'personalization', outcome: 'granted' }] },
      ],
      rejected: [
        {
          index: 1,
          id: 'e2',
          code: 'SUBJECT_KIND_UNKNOWN',
          message: 'subject must be one of user/<id>, zone/<id>, campaign/<id>.',
          field: 'subject',
        },
      ],
    },
  },
  'get /v1/users/{id}': {
    status: 200,
    answerIs: 'The user',
    answer: {
      kind: 'user',
      token: '42',
      sequence: 6,
      consent: {
        mode: 'granted',
        purposes: ['personalization'],
        said: [{ purpose: 'personalization', grantedMs: 1_767_225_600_000, withdrawnMs: 0 }],
      },
      session: { mode: 'active', startedAtMs: 1795383428614, lastAtMs: 1795383429748 },
      fatigue: { mode: 'fresh', value: 0 },
      counters: { events: 2, decisions: 1, impressions: 0, clicks: 0, accepts: 1, skips: 0, trips: 0, ratings: 0 },
      features: { eventsPerDay: 0.297, acceptRate: 1 },
      lastZones: [],
      driverZone: null,
      caps: [{ key: 'promo.discount.surface', windowMs: 86400000, count: 1 }],
      pending: [
        {
          decisionId: DECISION_ID,
          surface: 'rider.pickup',
          windowEndsMs: 1795385228614,
          holdsEndMs: 0,
          reward: 1,
        },
      ],
      inFlight: 0,
    },
  },
  'get /v1/zones/{cell}': { status: 200, answerIs: 'The zone', answer: zone },
  'get /v1/zones': { status: 200, answerIs: 'The zones', answer: { zones: [zone], staleMs: 184.3 } },
  'get /v1/learners': { status: 200, answerIs: 'All learners', answer: { learners: [learner] } },
  'get /v1/learners/{id}': { status: 200, answerIs: 'The learner', answer: learner },
  'get /v1/campaigns/{id}': {
    status: 200,
    answerIs: 'The campaign',
    answer: {
      id: 'rain',
      status: 'live',
      name: 'Rainy day',
      surface: 'promo.discount',
      budgetCents: 10000,
      spentCents: 300,
      unallottedCents: 5200,
      allowedCommands: ['pause', 'end', 'raise-budget'],
      audit: [{ command: 'launch', by: 'anonymous', why: 'it rains', from: 'draft', to: 'live' }],
    },
  },
  'post /v1/campaigns/{id}/commands': {
    requests: {
      define: {
        name: 'define',
        why: 'rainy days',
        payload: {
          name: 'Rainy day',
          surface: 'promo.discount',
          budgetCents: 10000,
          offerValidMs: 600000,
          offers: [
            { id: 'rain-10', costCents: 150 },
            { id: 'rain-20', costCents: 300 },
          ],
        },
      },
      launch: { name: 'launch', why: 'it rains' },
      schedule: { name: 'schedule', why: 'the season', payload: { startsAt: '2030-11-01T06:00:00Z' } },
      pause: { name: 'pause', why: 'the sun is out' },
      'raise-budget': { name: 'raise-budget', why: 'it pours', payload: { budgetCents: 20000 } },
    },
    status: 200,
    answerIs: 'The command is journaled; its effect is in the status',
    answer: { campaign: 'rain', command: 'launch', status: 'live', sequence: 8, token: '3.8.1h3ds2tt2r41m' },
  },
  'post /v1/policies/{id}/rollback': {
    requests: {
      back: { why: 'accepts fell by half' },
      further: { why: 'the last three learned from a broken app', to: 4 },
      release: { why: 'the app is mended', release: true },
    },
    status: 200,
    answerIs: 'The older version is live again, under a new number',
    answer: {
      policy: 'pickup-thompson',
      version: 8,
      from: 7,
      to: 6,
      by: 'operator',
      why: 'accepts fell by half',
      atMs: 1764279000000,
      held: true,
    },
  },
  'get /v1/deadletters': {
    status: 200,
    answerIs: 'The dead letters',
    answer: {
      deadLetters: [
        {
          partition: 3,
          sequence: 941,
          subject: 'attune.p.3.event.app.user.42.click',
          reason: 'EVENT_MALFORMED: data.lat: must be a number',
          payload: 'eyJsYXQiOiJ4In0=',
          truncated: false,
          atMs: 1_764_279_000_000,
          cursor: 17,
        },
      ],
      next: 17,
    },
  },
  'post /v1/deadletters/{partition}/{sequence}/redrive': {
    status: 202,
    answerIs: 'The new record is journaled, and the outcome is what the fold made of it',
    answer: { token: TOKEN, outcome: 'applied' },
  },
  'get /v1/status': {
    status: 200,
    answerIs: 'Each host with its partitions',
    answer: {
      ready: true,
      reasons: [],
      hosts: [
        {
          host: 'host-1',
          role: 'all',
          nats: '127.0.0.1:4222',
          partitions: [{ partition: 0, phase: 'serving', epoch: 1, sequence: 1, lag: 0, checkpoint: 0 }],
          refused: {},
        },
      ],
    },
  },
  'get /health/live': { status: 200, answerIs: 'It lives', answer: { live: true } },
  'get /health/ready': {
    status: 200,
    answerIs: 'It is ready',
    answer: { ready: true, reasons: [] },
    others: {
      503: { answerIs: 'It is not, for these reasons', answer: { ready: false, reasons: ['NATS is out of reach'] } },
    },
  },
};
