/** Commands: their schema, and whether a campaign in a given state accepts them. */
import { DateTime } from 'luxon';
import { z } from 'zod';
import { EngineError, invalidRequest } from '../../kernel/errors.js';
import { fnv1a } from '../../kernel/ids.js';
import {
  CAMPAIGN_COMMANDS,
  campaignDefinitionSchema,
  type CampaignCommandName,
  type CampaignDefinition,
  type CampaignStatus,
} from '../../messages/campaigns.js';
import { allowedCommands } from './campaign.machine.js';
import type { CampaignState } from './campaign.state.js';

export const commandSchema = z
  .strictObject({
    name: z.enum(CAMPAIGN_COMMANDS),
    by: z.string().min(1).max(200),
    why: z.string().min(1).max(500),
    payload: z.unknown().optional(),
    /** Makes the command idempotent. */
    commandId: z.string().min(1).max(128).optional(),
  })
  .readonly();
export type CampaignCommand = z.infer<typeof commandSchema>;

const instant = z.iso.datetime({ offset: true });

/** `schedule` may set or change the times of the definition. */
const schedulePayload = z.strictObject({ startsAt: instant.optional(), endsAt: instant.optional() });
/** `raise-budget` names the new total, so that a repeat raises nothing twice. */
const raisePayload = z.strictObject({ budgetCents: campaignDefinitionSchema.shape.budgetCents });
const nothing = z.strictObject({});

/** What a command changes besides the status. */
export interface CommandChange {
  readonly definition: CampaignDefinition;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
}

export const millisOf = (iso: string | undefined): number => (iso === undefined ? 0 : DateTime.fromISO(iso).toMillis());

/** Parses with `schema`; throws InvalidRequest `code` naming the field. */
export function parsed<T>(schema: z.ZodType<T>, value: unknown, code: string, prefix: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const field = [...(prefix === '' ? [] : [prefix]), ...issue.path, ...unknown].join('.');
  throw invalidRequest(code, `${field === '' ? 'The command' : field}: ${issue.message}.`, field);
}

/**
 * What `command` would change. Throws Conflict `CAMPAIGN_STATE` where the status does not accept it, InvalidRequest
 * `COMMAND_INVALID` or `CAMPAIGN_TIMES` where its payload makes no sense.
 */
export function changeBy(state: CampaignState, command: CampaignCommand): CommandChange {
  const payload = command.payload ?? {};
  if (command.name === 'define') {
    accept(state, command.name);
    const definition = parsed(campaignDefinitionSchema, payload, 'COMMAND_INVALID', 'payload');
    distinctOffers(definition);
    return timed({ definition, startsAtMs: millisOf(definition.startsAt), endsAtMs: millisOf(definition.endsAt) });
  }
  const { definition, startsAtMs, endsAtMs } = state;
  if (definition === undefined) throw conflict(state.status, command.name, ['define']);
  accept(state, command.name);
  if (command.name === 'schedule') {
    const times = parsed(schedulePayload, payload, 'COMMAND_INVALID', 'payload');
    const change = timed({
      definition: { ...definition, ...times },
      startsAtMs: times.startsAt === undefined ? startsAtMs : millisOf(times.startsAt),
      endsAtMs: times.endsAt === undefined ? endsAtMs : millisOf(times.endsAt),
    });
    if (change.startsAtMs === 0) {
      throw invalidRequest('CAMPAIGN_TIMES', 'A campaign needs startsAt to be scheduled.', 'payload.startsAt');
    }
    return change;
  }
  if (command.name === 'raise-budget') {
    const { budgetCents } = parsed(raisePayload, payload, 'COMMAND_INVALID', 'payload');
    if (budgetCents <= definition.budgetCents) {
      const message = `The new budget must be above the present ${definition.budgetCents} cents.`;
      throw invalidRequest('COMMAND_INVALID', message, 'payload.budgetCents');
    }
    return { definition: { ...definition, budgetCents }, startsAtMs, endsAtMs };
  }
  parsed(nothing, payload, 'COMMAND_INVALID', 'payload');
  return { definition, startsAtMs, endsAtMs };
}

/** Tells a repeated command from another one under the same id. */
export const digestOf = ({ name, by, why, payload }: CampaignCommand): number =>
  fnv1a(JSON.stringify([name, by, why, payload ?? {}]));

/** The same id was used for another command. */
export const commandIdReused = (commandId: string): EngineError =>
  new EngineError('Conflict', 'COMMAND_ID_REUSED', `commandId ${commandId} was used for another command.`, {
    field: 'commandId',
  });

/** A command that the state does not accept, as people are told. */
export const campaignConflict = (message: string): EngineError =>
  new EngineError('Conflict', 'CAMPAIGN_STATE', message);

function accept(state: CampaignState, name: CampaignCommandName): void {
  const allowed = allowedCommands(state.status);
  if (!allowed.includes(name)) throw conflict(state.status, name, allowed);
}

function conflict(status: CampaignStatus, name: string, allowed: readonly string[]): EngineError {
  const offer = allowed.length === 0 ? 'no command' : allowed.join(', ');
  return campaignConflict(`A campaign that is ${status} does not accept ${name}; it accepts ${offer}.`);
}

function timed(change: CommandChange): CommandChange {
  if (change.endsAtMs > 0 && change.endsAtMs <= change.startsAtMs) {
    throw invalidRequest('CAMPAIGN_TIMES', 'endsAt must be after startsAt.', 'payload.endsAt');
  }
  return change;
}

function distinctOffers(definition: CampaignDefinition): void {
  const seen = new Set<string>();
  definition.offers.forEach((offer, i) => {
    if (seen.has(offer.id)) {
      const field = `payload.offers.${i}.id`;
      throw invalidRequest('COMMAND_INVALID', `${field}: offer ${offer.id} stands twice.`, field);
    }
    seen.add(offer.id);
  });
}
