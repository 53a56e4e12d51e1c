/** The user actor by itself: what a decision and a fold cost. */
import { VALIDATED } from '../../src/messages/decisions.js';
import { less, type Entry } from '../entry.js';
import {
  applied,
  consented,
  decided,
  eventRecord,
  foldContext,
  handleContext,
  NOW_MS,
  riderKind,
} from '../support/rider.js';
import { cpuUsEach } from '../support/timed.js';
import { decisionBody } from '../support/workload.js';

const DECISIONS = 50_000;
const FOLDS = 200_000;

export const userActor: Entry = {
  name: 'user-actor',
  about: 'CPU time of a decision and of folds, without host, journal and network',
  async run({ say }) {
    // As it comes from a gateway in the same process, which has checked it.
    const request = { ...(JSON.parse(decisionBody('42')) as object), [VALIDATED]: true };
    const fresh = consented();
    say('decisions');
    const decideUs = cpuUsEach(DECISIONS, () => riderKind.handle(fresh, 'decide', request, handleContext()));
    const idempotentUs = cpuUsEach(DECISIONS, (i) => {
      riderKind.handle(fresh, 'decide', { ...request, requestId: `r${i}` }, handleContext());
    });
    say('folds');
    let state = fresh;
    const eventUs = cpuUsEach(FOLDS, (i) => {
      state = applied(state, eventRecord('trip.started', {}, i), NOW_MS + i);
    });
    state = fresh;
    const pickupUs = cpuUsEach(FOLDS, (i) => {
      const place = { lat: 40.7 + (i % 1000) / 10_000, lng: -73.9 };
      state = applied(state, eventRecord('pickup', place, i), NOW_MS + i);
    });
    const body = decided(fresh, request);
    const opened = applied(fresh, { type: 'decision', body });
    const decisionUs = cpuUsEach(
      DECISIONS,
      () => void riderKind.fold(fresh, { type: 'decision', body }, foldContext()),
    );
    const rewardUs = cpuUsEach(DECISIONS, (i) => {
      riderKind.fold(opened, eventRecord('click', { decisionId: body.id }, i), foldContext());
    });
    return [
      less('user-actor.decide', decideUs, 'µs, ten candidates'),
      less('user-actor.decide-idempotent', idempotentUs, 'µs, with a requestId'),
      less('user-actor.fold-event', eventUs, 'µs'),
      less('user-actor.fold-pickup', pickupUs, 'µs'),
      less('user-actor.fold-decision', decisionUs, 'µs'),
      less('user-actor.fold-reward', rewardUs, 'µs'),
    ];
  },
};
