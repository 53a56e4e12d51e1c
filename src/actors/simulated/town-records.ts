/** How the checks of the town read records. */
import type { CampaignLedger } from '../../messages/campaigns.js';
import type { DecisionBody, Experience } from '../../messages/decisions.js';
import type { Replay, ReplayedRecord } from './replay.js';

export type TownReplay = Replay<CampaignLedger>;

export const bodyOf = (record: ReplayedRecord): DecisionBody => record.json.body as DecisionBody;

export const decisionsOf = (replay: TownReplay): ReplayedRecord[] =>
  replay.records.filter(({ cls, verdict }) => cls === 'decision' && verdict === 'applied');

/** Every experience and correction, and the record that caused it. */
export const experiencesOf = (replay: TownReplay): { readonly said: Experience; readonly sequence: number }[] =>
  replay.emissions
    .filter(({ target, body }) => target === 'x' && (body as { status: string }).status !== 'refused')
    .map(({ body, sequence }) => ({ said: body as Experience, sequence }));

/** The decision that an event names. */
export const namedBy = ({ json }: ReplayedRecord): string | undefined => {
  const { decisionId } = (json.data ?? {}) as { decisionId?: unknown };
  return typeof decisionId === 'string' ? decisionId : undefined;
};
