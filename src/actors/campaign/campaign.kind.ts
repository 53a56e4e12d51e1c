import { EngineError, invalidRequest } from '../../kernel/errors.js';
import { decodeToken } from '../../kernel/ids.js';
import type { CampaignLedger } from '../../messages/campaigns.js';
import { encodePosition } from '../../messages/tokens.js';
import type { ActorAddress, ActorKind, HandleContext, Handling } from '../host/actor-kind.js';
import { outstandingCents, spentCents, unallottedCents } from './budget.js';
import { applyCommand, foldCampaign } from './campaign.fold.js';
import { allowedCommands } from './campaign.machine.js';
import { emptyCampaign, isEmptyCampaign, nextDueMs, reviveCampaign, type CampaignState } from './campaign.state.js';
import {
  attributed,
  commandIdReused,
  commandRequestSchema,
  commandSchema,
  digestOf,
  parsed,
  refusedBy,
  type CampaignCommand,
} from './commands.js';

type Context = HandleContext<CampaignLedger, unknown>;

/**
 * A campaign: verb `command` with `{name, by, why, payload, commandId?}`; verb `view`, which shows what apps may know, and
 * verb `books` with money and audit trail, for those who may command it.
 */
export const campaignKind: ActorKind<CampaignState, CampaignLedger, unknown> = {
  kind: 'campaign',
  create: emptyCampaign,
  fold: foldCampaign,
  timer: nextDueMs,
  isVacant: isEmptyCampaign,
  revive: reviveCampaign,
  handle(state, verb, request, ctx) {
    try {
      if (verb === 'command') return handleCommand(state, request, ctx);
      if (verb === 'view') return { do: 'reply', body: view(state, ctx) };
      if (verb === 'books') return { do: 'reply', body: books(state, ctx) };
      throw invalidRequest('VERB_UNKNOWN', 'A campaign answers command, view and books.', 'verb');
    } catch (error) {
      if (error instanceof EngineError) return { do: 'fail', error: error.toWire() };
      throw error;
    }
  },
  broadcast: (state, address) => (isEmptyCampaign(state) ? undefined : summary(state, address)),
  confide: (state, address) =>
    isEmptyCampaign(state) ? undefined : { ...summary(state, address), ...money(state), definition: state.definition },
};

function handleCommand(state: CampaignState, request: unknown, ctx: Context): Handling {
  const command = attributed(parsed(commandRequestSchema, request, 'COMMAND_INVALID', ''), ctx.directApp);
  const repeated = repeatOf(state, command, ctx);
  if (repeated) return repeated;
  // Commands on their way count as done: this one must make sense after them.
  const before = ctx.overlay.reduce<CampaignState>((projected, body) => project(projected, body, ctx), state);
  const { status, definition } = applyCommand(before, command, contextOf(ctx)).state;
  if (command.name === 'define') checkSurface(definition?.surface, ctx);
  return {
    do: 'append',
    class: 'command',
    address: ctx.address,
    key: keyOf(command, ctx),
    body: command,
    reply: ({ sequence, token }) => answer(ctx.address, command.name, status, sequence, token),
    refused: (reason) => refusedBy(reason).toWire(),
  };
}

/** Throws InvalidRequest `UNKNOWN_SURFACE`: nobody would ever see the offers. */
function checkSurface(surface: string | undefined, { settings: { rewards } }: Context): void {
  if (surface === undefined || Object.hasOwn(rewards, surface)) return;
  const known = Object.keys(rewards).sort().join(', ');
  throw invalidRequest('UNKNOWN_SURFACE', `There is no surface ${surface}; there are: ${known}.`, 'payload.surface');
}

/** The answer to a command that was or is about to be done under the same commandId. */
function repeatOf(state: CampaignState, command: CampaignCommand, ctx: Context): Handling | undefined {
  const { commandId } = command;
  if (commandId === undefined) return undefined;
  const done = state.audit.find((entry) => entry.commandId === commandId);
  if (done) {
    if (done.digest !== digestOf(command)) throw commandIdReused(commandId);
    const token = encodePosition({ identity: ctx.identity, partition: ctx.partition, sequence: done.sequence });
    return { do: 'reply', body: answer(ctx.address, command.name, done.to, done.sequence, token) };
  }
  const pending = (ctx.overlay as readonly CampaignCommand[]).find((other) => other.commandId === commandId);
  if (!pending) return undefined;
  if (digestOf(pending) !== digestOf(command)) throw commandIdReused(commandId);
  return { do: 'join', key: keyOf(command, ctx) };
}

const keyOf = (command: CampaignCommand, ctx: Context): string =>
  command.commandId === undefined
    ? `campaign.${ctx.address.token}.${ctx.nonce()}`
    : `campaign.${ctx.address.token}.id.${command.commandId}`;

const contextOf = (ctx: Context) => ({
  address: ctx.address,
  sequence: ctx.sequence,
  atMs: ctx.nowMs,
  settings: ctx.settings,
  shared: ctx.shared,
});

function project(state: CampaignState, body: unknown, ctx: Context): CampaignState {
  try {
    return applyCommand(state, commandSchema.parse(body), contextOf(ctx)).state;
  } catch {
    // The fold will refuse it, and so it changes nothing.
    return state;
  }
}

const idOf = (address: ActorAddress): string => decodeToken(address.token) ?? address.token;

const answer = (address: ActorAddress, command: string, status: string, sequence: number, token: string) => ({
  campaign: idOf(address),
  command,
  status,
  sequence,
  token,
});

function summary(state: CampaignState, address: ActorAddress) {
  const { status, definition } = state;
  return { id: idOf(address), status, name: definition?.name, surface: definition?.surface };
}

const money = ({ budget }: CampaignState) => ({ budgetCents: budget.budgetCents, spentCents: spentCents(budget) });

/** No money in it. Throws NotFound `CAMPAIGN_UNKNOWN` before the first `define`. */
function view(state: CampaignState, ctx: Context) {
  if (isEmptyCampaign(state)) {
    throw new EngineError('NotFound', 'CAMPAIGN_UNKNOWN', 'There is no campaign under this id.', { field: 'id' });
  }
  return { ...summary(state, ctx.address), startsAtMs: state.startsAtMs, endsAtMs: state.endsAtMs };
}

/** Throws as `view` does. */
function books(state: CampaignState, ctx: Context) {
  const { budget } = state;
  return {
    ...view(state, ctx),
    ...money(state),
    definition: state.definition,
    unallottedCents: unallottedCents(budget),
    partitions: budget.granted.map((grantedCents, partition) => ({
      partition,
      grantedCents,
      spentCents: budget.spent[partition],
      outstandingCents: outstandingCents(budget, partition),
      recalling: budget.recalling.includes(partition),
      wantCents: budget.waiting.find((waiter) => waiter.partition === partition)?.wantCents ?? 0,
    })),
    allowedCommands: allowedCommands(state.status),
    audit: state.audit,
  };
}
