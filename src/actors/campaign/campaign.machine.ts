/** A campaign's life as a machine. Commands come from people; `start`, `drained` and `replenished` from the fold. */
import { createMachine, transition } from 'xstate';
import { CAMPAIGN_COMMANDS, type CampaignCommandName, type CampaignStatus } from '../../messages/campaigns.js';

export type CampaignMove =
  | CampaignCommandName
  /** startsAt was reached. */
  | 'start'
  /** What is left unspent no longer pays for the cheapest offer, or does again. */
  | 'drained'
  | 'replenished';

export const campaignMachine = createMachine({
  id: 'campaign',
  types: { events: {} as { type: CampaignMove } },
  initial: 'draft',
  states: {
    draft: { on: { define: 'draft', schedule: 'scheduled', launch: 'live', 'raise-budget': 'draft' } },
    scheduled: { on: { launch: 'live', start: 'live', end: 'ended', 'raise-budget': 'scheduled' } },
    live: { on: { pause: 'paused', end: 'ended', drained: 'exhausted', 'raise-budget': 'live' } },
    paused: { on: { resume: 'live', end: 'ended', 'raise-budget': 'paused' } },
    exhausted: { on: { end: 'ended', replenished: 'live', 'raise-budget': 'exhausted' } },
    ended: { type: 'final' },
  },
});

const at = (status: CampaignStatus) => campaignMachine.resolveState({ value: status });

/** The status after `move`; undefined where the machine does not accept it. */
export function statusAfter(status: CampaignStatus, move: CampaignMove): CampaignStatus | undefined {
  const snapshot = at(status);
  if (!snapshot.can({ type: move })) return undefined;
  return transition(campaignMachine, snapshot, { type: move })[0].value as CampaignStatus;
}

/** Commands that the status accepts, in the order of CAMPAIGN_COMMANDS. */
export const allowedCommands = (status: CampaignStatus): readonly CampaignCommandName[] =>
  CAMPAIGN_COMMANDS.filter((command) => at(status).can({ type: command }));
