/** Commands: their schema, and whether a campaign in a given state accepts them. */
import { hash } from 'node:crypto';
import { DateTime } from 'luxon';
import { z } from 'zod';
import { EngineError, invalidRequest } from '../../kernel/errors.js';
import { appName } from '../../kernel/ids.js';
import { isoTime } from '../../kernel/iso-time.js';
import { idSchema } from '../../messages/id-schema.js';
import {
  CAMPAIGN_COMMANDS,
  campaignDefinitionSchema,
  type CampaignCommandName,
  type CampaignDefinition,
  type CampaignLedger,
  type CampaignStatus,
} from '../../messages/campaigns.js';
import { allowedCommands } from './campaign.machine.js';
import type { CampaignState } from './campaign.state.js';

const BY_LENGTH_MAX = 200;
const commandFields = z.strictObject({
  name: z.enum(CAMPAIGN_COMMANDS),
  by: z.string().min(1).max(BY_LENGTH_MAX),
  why: z.string().min(1).max(500),
  payload: z.unknown().optional(),
  /** Makes the command idempotent. */
  commandId: idSchema(128).optional(),
});

/** As somebody sends it. */
export const commandRequestSchema = commandFields.readonly();
/** As it is journaled: an app's name may stand in front of who sent it. */
export const commandSchema = commandFields
  .extend({
    by: z
      .string()
      .min(1)
      .max(BY_LENGTH_MAX + 40),
  })
  .readonly();
export type CampaignCommand = z.infer<typeof commandSchema>;

/** The command with the app that sent it by itself in front of whom it says sent it: nobody has checked that. */
export const attributed = (command: CampaignCommand, directApp: string | undefined): CampaignCommand =>
  directApp === undefined ? command : { ...command, by: `${appName(directApp)}/${command.by}` };

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
    checkOffers(definition);
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

/** What a campaign is opened into: the time, and what its partition knows of all campaigns. */
export interface Opening {
  readonly id: string;
  readonly atMs: number;
  readonly known: Pick<CampaignLedger, 'size' | 'get'>;
  readonly openMax: number;
}

/**
 * Whether the command may be done now. Throws InvalidRequest `CAMPAIGN_TIMES` where it would open a campaign whose end has
 * passed, Conflict `CAMPAIGNS_MAX` where it would open one too many.
 */
export function checkOpening(
  { status }: Pick<CampaignState, 'status'>,
  name: CampaignCommandName,
  { endsAtMs }: CommandChange,
  { id, atMs, known, openMax }: Opening,
): void {
  const isDraft = status === 'draft';
  const opens = name === 'launch' || name === 'schedule' || name === 'resume';
  if (!opens && (name !== 'raise-budget' || isDraft)) return;
  if (endsAtMs > 0 && endsAtMs <= atMs) {
    const message = `The campaign's endsAt (${isoTime(endsAtMs)}) has passed.`;
    throw invalidRequest('CAMPAIGN_TIMES', message, 'payload.endsAt');
  }
  if (isDraft && known.size >= openMax && known.get(id) === undefined) {
    const message = `There are ${openMax} campaigns that have not ended, which is the most (fold.campaign.openMax).`;
    throw new EngineError('Conflict', 'CAMPAIGNS_MAX', message);
  }
}

/** Tells a repeated command from another one under the same id. */
export const digestOf = ({ name, by, why, payload }: CampaignCommand): string =>
  hash('sha256', JSON.stringify([name, by, why, payload ?? {}], inOrder), 'base64url');

/** The order in which somebody wrote the fields of a payload does not make it another. */
const inOrder = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

/** The same id was used for another command. */
export const commandIdReused = (commandId: string): EngineError =>
  new EngineError('Conflict', 'COMMAND_ID_REUSED', `commandId ${commandId} was used for another command.`, {
    field: 'commandId',
  });

/** A command that the state does not accept, as people are told. */
const campaignConflict = (message: string): EngineError => new EngineError('Conflict', 'CAMPAIGN_STATE', message);

/** Why the fold refused a command, and the same as its sender is told: by then another command may have been first. */
export const refusalOf = ({ code, message }: EngineError): string => `${code}: ${message}`;
export function refusedBy(reason: string): EngineError {
  const [, code = 'CAMPAIGN_STATE', message = reason] = /^([A-Z][A-Z_]+): (.*)$/s.exec(reason) ?? [];
  return new EngineError('Conflict', code, message);
}

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

/** Every partition is told the offers in one message, and keeps them. */
export const OFFERS_BYTES_MAX = 64 * 1024;

function checkOffers({ offers, budgetCents }: CampaignDefinition): void {
  const seen = new Set<string>();
  offers.forEach(({ id, costCents }, i) => {
    const refused = (key: string, message: string): EngineError => {
      const field = `payload.offers.${i}.${key}`;
      return invalidRequest('COMMAND_INVALID', `${field}: ${message}`, field);
    };
    if (seen.has(id)) throw refused('id', `offer ${id} stands twice.`);
    seen.add(id);
    if (costCents > budgetCents)
      throw refused('costCents', `one redemption costs ${costCents} cents, and the whole budget is ${budgetCents}.`);
  });
  if (Buffer.byteLength(JSON.stringify(offers)) > OFFERS_BYTES_MAX) {
    const message = `payload.offers: must have at most ${OFFERS_BYTES_MAX} bytes as JSON.`;
    throw invalidRequest('COMMAND_INVALID', message, 'payload.offers');
  }
}
