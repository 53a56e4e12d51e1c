/** What the bench's users are and ask. */
import { postJson } from './http-load.js';

export const CONNECTIONS = 64;
/** Events of one batch over REST. */
export const BATCH = 100;
export const userOf = (n: number): string => `rider-${n}`;

const CANDIDATES = Array.from({ length: 10 }, (_, i) => ({
  id: `door-${i}`,
  features: { distanceM: 20 + 35 * i, walkS: 30 * i, popularity: 1 / (1 + i) },
}));

/** A decision for a user among ten candidates, as an app would ask for it. */
export const decisionBody = (user: string): string =>
  JSON.stringify({
    surface: 'rider.pickup',
    subject: { kind: 'rider', id: user },
    context: { lat: 40.7506, lng: -73.9935, hour: 9, raining: false },
    candidates: CANDIDATES,
    k: 3,
  });

export interface EventOptions {
  readonly id: string;
  readonly type: string;
  readonly user: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export const cloudEvent = ({ id, type, user, data = {} }: EventOptions): Record<string, unknown> => ({
  specversion: '1.0',
  id,
  source: 'bench',
  type,
  subject: `user/${user}`,
  data,
});

/** Sends events in batches over REST and checks that each was accepted. */
export async function sendEvents(url: string, events: readonly Record<string, unknown>[], lanes = 4): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < events.length) {
      const batch = events.slice(next, (next += BATCH));
      const { accepted } = await postJson<{ accepted: unknown[] }>(url, '/v1/events', batch);
      if (accepted.length !== batch.length) throw new Error(`${batch.length - accepted.length} events were rejected`);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** Users from `from` on give their consent, without which nobody gets a personal answer. */
export const consent = (url: string, users: number, from = 0): Promise<void> =>
  sendEvents(
    url,
    Array.from({ length: users }, (_, i) =>
      cloudEvent({ id: `consent-${from + i}`, type: 'consent.granted', user: userOf(from + i) }),
    ),
  );
