import type { ConsentOutcome } from '../../messages/consent.js';
import type { DecisionRequest } from '../../messages/decisions.js';
import type { Apps } from './apps.js';

/** A decision that an app has been told. */
export interface ToldDecision {
  readonly user: string;
  readonly request: DecisionRequest;
  readonly id: string;
  readonly partition: number;
  readonly sequence: number;
}

/** What an app has been told of a change of consent that it had sent. */
export interface ToldConsent {
  readonly user: string;
  readonly type: string;
  readonly partition: number;
  readonly sequence: number;
  readonly outcomes: readonly ConsentOutcome[];
}

/** A command that was answered. */
export interface DoneCommand {
  readonly campaign: string;
  readonly partition: number;
  readonly sequence: number;
  readonly commandId: string;
}

export interface TownPromises {
  readonly apps: Apps;
  readonly decisions: readonly ToldDecision[];
  readonly consents: readonly ToldConsent[];
  readonly commands: readonly DoneCommand[];
}

export const TOWN_CAMPAIGNS = ['summer', 'winter'] as const;
