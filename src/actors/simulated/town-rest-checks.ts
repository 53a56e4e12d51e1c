/** Everything comes to an end: at rest no money is held, nobody waits for any, and no decision awaits anything. */
import type { CampaignLedger } from '../../messages/campaigns.js';
import type { UserState } from '../user/state.js';
import { broken, type Violation } from './checks.js';
import type { Replay } from './replay.js';

export function checkRest(replays: readonly Replay<CampaignLedger>[]): Violation[] {
  return replays.flatMap((replay, partition) => [
    ...checkMoneyAtRest(replay, partition),
    ...checkSubjectsAtRest(replay),
  ]);
}

/** What was held was spent or has come back, and an ended campaign has all that its partitions did not spend. */
function checkMoneyAtRest({ shared }: Replay<CampaignLedger>, partition: number): Violation[] {
  return Object.values(shared.campaigns).flatMap(({ id, status, heldCents, grantedCents, spentCents }) => [
    ...(heldCents === 0
      ? []
      : [broken('held-money-returns', `partition ${partition}: ${heldCents} cents of ${id} are still held`)]),
    ...(status !== 'ended' || grantedCents === spentCents
      ? []
      : [
          broken(
            'held-money-returns',
            `partition ${partition}: ${grantedCents - spentCents} cents of ${id} are kept after its end`,
          ),
        ]),
  ]);
}

function checkSubjectsAtRest(replay: Replay<CampaignLedger>): Violation[] {
  return [...replay.actors.values()]
    .filter(({ address }) => address.kind === 'user' || address.kind === 'anon')
    .flatMap(({ address, state }) => {
      const { pending, closed } = state as UserState;
      if (pending.length === 0 && closed.length === 0) return [];
      const left = `${pending.length} decisions are pending, ${closed.length} can be corrected`;
      return [broken('decisions-end', `${address.kind} ${address.token}: ${left}`)];
    });
}
