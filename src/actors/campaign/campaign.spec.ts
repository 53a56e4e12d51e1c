import { describe, expect, it } from '@jest/globals';
import { deepFreeze } from '../../../test/support/deep-freeze.js';
import { replica } from '../../../test/support/user-actor.js';
import { CAMPAIGN_COMMANDS, CAMPAIGN_STATES, CampaignLedger, type CampaignStatus } from '../../messages/campaigns.js';
import { DEFAULT_FOLD_SETTINGS } from '../../messages/settings.js';
import type { ActorRecord, Effect, FoldContext, Handling, HandleContext } from '../host/actor-kind.js';
import { allowedCommands } from './campaign.machine.js';
import { campaignKind } from './campaign.kind.js';
import { AUDIT_ENTRIES_MAX, emptyCampaign, type CampaignState } from './campaign.state.js';
import type { CampaignCommand } from './commands.js';

const settings = { ...DEFAULT_FOLD_SETTINGS, partitions: 4 };
const address = { kind: 'campaign', token: 'spring' } as const;
const NOW = Date.UTC(2026, 0, 1);
const DEFINITION = {
  name: 'Spring',
  surface: 'promo.discount',
  budgetCents: 10_000,
  offerValidMs: 60_000,
  offers: [
    { id: 'ten', costCents: 500 },
    { id: 'five', costCents: 200 },
  ],
};

let sequence = 0;
interface Run {
  readonly state: CampaignState;
  readonly effects: readonly Effect[];
}

function fold(state: CampaignState, record: ActorRecord, atMs = NOW) {
  const ctx = { address, partition: 1, sequence: ++sequence, atMs, settings, shared: CampaignLedger.EMPTY };
  return campaignKind.fold(deepFreeze(state), record, ctx as FoldContext<never>);
}

const command = (name: string, payload?: unknown, commandId?: string): CampaignCommand => ({
  name: name as CampaignCommand['name'],
  by: 'ada',
  why: 'because',
  ...(payload === undefined ? {} : { payload }),
  ...(commandId === undefined ? {} : { commandId }),
});

function run(state: CampaignState, name: string, payload?: unknown, atMs = NOW): Run {
  const folded = fold(state, { type: 'command', body: command(name, payload) }, atMs);
  expect([folded.reason, folded.outcome]).toEqual([undefined, 'applied']);
  return folded;
}

const output = (name: string, from: number, body: object): ActorRecord => ({
  type: 'output',
  name,
  from,
  body: { partition: from, ...body },
});

const defined = (): CampaignState => run(emptyCampaign(), 'define', DEFINITION).state;
const live = (): Run => run(defined(), 'launch');
const named = (run: Run, name: string) =>
  run.effects.flatMap((e) =>
    e.to === 'partition' && e.name === name ? [{ partition: e.partition, ...(e.body as object) }] : [],
  );

/** A campaign in each status, by the shortest way there. */
const inStatus: Record<CampaignStatus, () => CampaignState> = {
  draft: defined,
  scheduled: () => run(defined(), 'schedule', { startsAt: '2026-02-01T00:00:00Z' }).state,
  live: () => live().state,
  paused: () => run(live().state, 'pause').state,
  exhausted: () => {
    const poor = run(emptyCampaign(), 'define', { ...DEFINITION, budgetCents: 500 }).state;
    return fold(run(poor, 'launch').state, output('spend.confirmed', 0, { amountCents: 500, decisionId: 'd' })).state;
  },
  ended: () => run(live().state, 'end').state,
};

interface Handled {
  readonly overlay?: readonly unknown[];
  readonly nowMs?: number;
  readonly shared?: CampaignLedger;
  readonly settings?: typeof settings;
}
const handle = (state: CampaignState, verb: string, body: unknown, over: Handled = {}): Handling =>
  campaignKind.handle(deepFreeze(state), verb, body, {
    address,
    partition: 1,
    identity: 'abc',
    sequence,
    nowMs: NOW,
    settings,
    shared: CampaignLedger.EMPTY,
    reserved: () => 0,
    overlay: [],
    services: undefined,
    nonce: () => 'nonce123',
    trace: undefined,
    ...over,
  } as unknown as HandleContext<never, unknown>);

describe('who commands', () => {
  const byOf = (over: object, by = 'ada'): unknown => {
    const handled = handle(inStatus.live(), 'command', { ...command('pause', {}), by }, over);
    return handled.do === 'append' ? (handled.body as { by: string }).by : handled;
  };

  it('is the app that asks by itself, whatever it says, and whom a gateway names', () => {
    expect(byOf({ directApp: 'rider' })).toBe('app:rider/ada');
    expect(byOf({ directApp: 'rider' }, 'app:ops/bob')).toBe('app:rider/app:ops/bob');
    expect(byOf({ directApp: undefined })).toBe('ada');
  });

  it('may have the longest of names', () => {
    const by = byOf({ directApp: 'a'.repeat(32) }, 'b'.repeat(200));
    const body = { ...command('pause', {}), by };
    expect(fold(inStatus.live(), { type: 'command', body }).outcome).toBe('applied');
    expect(byOf({}, 'b'.repeat(201))).toMatchObject({ do: 'fail', error: { code: 'COMMAND_INVALID', field: 'by' } });
  });
});

describe('campaign machine', () => {
  it('reaches every status', () => {
    for (const status of CAMPAIGN_STATES) expect(inStatus[status]().status).toBe(status);
  });

  it.each<[CampaignStatus, readonly string[]]>([
    ['draft', ['define', 'schedule', 'launch', 'raise-budget']],
    ['scheduled', ['launch', 'end', 'raise-budget']],
    ['live', ['pause', 'end', 'raise-budget']],
    ['paused', ['resume', 'end', 'raise-budget']],
    ['exhausted', ['end', 'raise-budget']],
    ['ended', []],
  ])('%s accepts only %j, and a conflict names them', (status, allowed) => {
    expect(allowedCommands(status)).toEqual(allowed);
    for (const name of CAMPAIGN_COMMANDS.filter((c) => !allowed.includes(c))) {
      const body = command(name, name === 'define' ? DEFINITION : {});
      const folded = fold(inStatus[status](), { type: 'command', body });
      expect(folded.outcome).toBe('refused');
      const handled = handle(inStatus[status](), 'command', body);
      expect(handled).toMatchObject({ do: 'fail', error: { family: 'Conflict', code: 'CAMPAIGN_STATE' } });
      const message = handled.do === 'fail' ? handled.error.message : '';
      expect(message).toContain(status);
      for (const command of allowed) expect(message).toContain(command);
    }
  });

  it('starts and ends by its timer', () => {
    const times = { startsAt: '2026-02-01T00:00:00Z', endsAt: '2026-03-01T00:00:00+01:00' };
    let { state } = run(defined(), 'schedule', times);
    expect(campaignKind.timer(state)).toBe(Date.UTC(2026, 1, 1));
    state = fold(state, { type: 'timer', dueMs: Date.UTC(2026, 1, 1) }, Date.UTC(2026, 1, 1)).state;
    expect([state.status, campaignKind.timer(state)]).toEqual(['live', Date.UTC(2026, 1, 28, 23)]);
    state = fold(state, { type: 'timer', dueMs: Date.UTC(2026, 1, 28, 23) }, Date.UTC(2026, 2, 1)).state;
    expect([state.status, campaignKind.timer(state)]).toEqual(['ended', 0]);
    expect(state.audit.at(-1)).toMatchObject({ by: 'timer', command: 'expire', from: 'live', to: 'ended' });
  });

  it.each<[CampaignStatus, string, object]>([
    ['draft', 'launch', {}],
    ['draft', 'schedule', { startsAt: '2026-02-15T00:00:00Z' }],
    ['scheduled', 'launch', {}],
    ['paused', 'resume', {}],
    ['exhausted', 'raise-budget', { budgetCents: 90_000 }],
  ])('once its end has passed, %s does not accept %s', (status, name, payload) => {
    const endsAtMs = Date.UTC(2026, 2, 1);
    const state = { ...inStatus[status](), endsAtMs };
    const body = command(name, payload);
    const early = fold(state, { type: 'command', body }, endsAtMs - 1);
    expect(early.outcome).toBe('applied');
    const late = fold(state, { type: 'command', body }, endsAtMs);
    expect([late.outcome, late.reason]).toEqual(['refused', expect.stringContaining('CAMPAIGN_TIMES')]);
    expect(late.effects).toEqual([]);
    const handled = handle(state, 'command', body, { nowMs: endsAtMs });
    expect(handled).toMatchObject({ do: 'fail', error: { code: 'CAMPAIGN_TIMES', field: 'payload.endsAt' } });
  });

  it('is defined, paused and ended whatever the time', () => {
    const past = { ...DEFINITION, endsAt: '2020-01-01T00:00:00Z' };
    const { state } = run(emptyCampaign(), 'define', past);
    expect(fold(state, { type: 'command', body: command('launch') }).outcome).toBe('refused');
    expect(
      run(state, 'schedule', { startsAt: '2026-02-01T00:00:00Z', endsAt: '2026-03-01T00:00:00Z' }).state.status,
    ).toBe('scheduled');
    for (const name of ['pause', 'end'])
      expect(run({ ...live().state, endsAtMs: NOW - 1 }, name).state.status).toMatch(/paused|ended/);
  });

  it('ends rather than starts when it wakes after its end', () => {
    const { state } = run(defined(), 'schedule', { startsAt: '2026-02-01T00:00:00Z', endsAt: '2026-03-01T00:00:00Z' });
    const woken = fold(state, { type: 'timer', dueMs: Date.UTC(2026, 1, 1) }, Date.UTC(2026, 5, 1));
    expect(woken.state.status).toBe('ended');
    for (const told of named(woken, 'campaign.state')) expect(told).not.toHaveProperty('grantedCents');
  });
});

describe('campaign money', () => {
  it('grants first allotments in whole units while the budget lasts', () => {
    // 10,000 over 4 partitions and an initial share of 4 is 625: one unit of 500 each.
    const launched = live();
    const first = (run: Run) => named(run, 'campaign.state') as { partition: number; grantedCents?: number }[];
    expect(first(launched)).toMatchObject([0, 1, 2, 3].map((partition) => ({ partition, grantedCents: 500 })));
    expect(launched.effects).toHaveLength(4);
    const poor = run(run(emptyCampaign(), 'define', { ...DEFINITION, budgetCents: 1200 }).state, 'launch');
    expect(first(poor).map(({ grantedCents }) => grantedCents)).toEqual([500, 500, 200, undefined]);
  });

  it('grants on request, and recalls unused money once nothing is unallotted', () => {
    const small = run(run(emptyCampaign(), 'define', { ...DEFINITION, budgetCents: 2000 }).state, 'launch').state;
    const asked = fold(small, output('allotment.requested', 2, { wantCents: 300, offersMaxCents: 500 }));
    expect(named(asked, 'allotment.granted')).toEqual([]);
    expect(named(asked, 'allotment.recall')).toEqual([{ partition: 0, campaign: 'spring' }]);
    const again = fold(asked.state, output('allotment.requested', 3, { wantCents: 500, offersMaxCents: 500 }));
    expect(named(again, 'allotment.recall').map((r) => r.partition)).toEqual([1]);
    const returned = fold(again.state, output('allotment.returned', 0, { amountCents: 500 }));
    expect(named(returned, 'allotment.granted')).toEqual([{ partition: 2, campaign: 'spring', amountCents: 300 }]);
    const rest = fold(returned.state, output('allotment.returned', 1, { amountCents: 500 }));
    expect(named(rest, 'allotment.granted')).toEqual([{ partition: 3, campaign: 'spring', amountCents: 500 }]);
  });

  it('recalls nothing on pause, and serves on resume who waited meanwhile', () => {
    const paused = run(live().state, 'pause');
    expect(named(paused, 'allotment.recall')).toEqual([]);
    const asked = fold(paused.state, output('allotment.requested', 0, { wantCents: 500, offersMaxCents: 500 }));
    expect(asked.effects).toEqual([]);
    expect(named(run(asked.state, 'resume'), 'allotment.granted')).toEqual([
      { partition: 0, campaign: 'spring', amountCents: 500 },
    ]);
  });

  it('is exhausted when what is unspent pays no offer, and live again when the budget is raised', () => {
    const state = inStatus.exhausted();
    expect(state.status).toBe('exhausted');
    const little = run(state, 'raise-budget', { budgetCents: 600 });
    expect(little.state.status).toBe('exhausted');
    const raised = run(little.state, 'raise-budget', { budgetCents: 900 });
    expect(raised.state.status).toBe('live');
    expect(named(raised, 'campaign.state')).toHaveLength(4);
  });

  it('is not exhausted while what is unspent pays its cheapest offer to the cent, and is by one cent less', () => {
    const spent = (budgetCents: number) => {
      const small = run(emptyCampaign(), 'define', { ...DEFINITION, budgetCents }).state;
      return fold(run(small, 'launch').state, output('spend.confirmed', 0, { amountCents: 500 })).state.status;
    };
    expect([spent(700), spent(699)]).toEqual(['live', 'exhausted']);
    expect(run(inStatus.exhausted(), 'raise-budget', { budgetCents: 700 }).state.status).toBe('live');
    expect(run(inStatus.exhausted(), 'raise-budget', { budgetCents: 699 }).state.status).toBe('exhausted');
  });

  it('tells every partition of each change, its end too, whoever brings it about', () => {
    const everywhere = (status: string) => [0, 1, 2, 3].map((partition) => ({ partition, status }));
    const ends = [run(live().state, 'end'), fold({ ...live().state, endsAtMs: NOW }, { type: 'timer', dueMs: NOW })];
    for (const ended of ends) expect(named(ended, 'campaign.state')).toMatchObject(everywhere('ended'));
    expect(named(run(live().state, 'pause'), 'campaign.state')).toMatchObject(everywhere('paused'));
  });

  it('refuses messages that its books contradict', () => {
    for (const [name, amountCents] of [
      ['spend.confirmed', 501],
      ['allotment.returned', 501],
    ] as const) {
      expect(() => fold(live().state, output(name, 0, { amountCents }))).toThrow(
        expect.objectContaining({ code: 'BUDGET_INVARIANT' }) as unknown as Error,
      );
    }
    expect(fold(emptyCampaign(), output('spend.confirmed', 0, { amountCents: 1 })).outcome).toBe('rejected');
    expect(fold(live().state, output('nonsense', 0, {})).outcome).toBe('rejected');
  });
});

describe('campaign requests', () => {
  it.each([
    ['an unknown command', command('explode'), 'COMMAND_INVALID', 'name'],
    ['no reason', { name: 'define', by: 'ada' }, 'COMMAND_INVALID', 'why'],
    ['an extra field', { ...command('define', DEFINITION), extra: 1 }, 'COMMAND_INVALID', 'extra'],
    ['no budget', command('define', { ...DEFINITION, budgetCents: 0 }), 'COMMAND_INVALID', 'payload.budgetCents'],
    [
      'a fraction of a cent',
      command('define', { ...DEFINITION, budgetCents: 1.5 }),
      'COMMAND_INVALID',
      'payload.budgetCents',
    ],
    [
      'one offer twice',
      command('define', { ...DEFINITION, offers: [DEFINITION.offers[0], DEFINITION.offers[0]] }),
      'COMMAND_INVALID',
      'payload.offers.1.id',
    ],
    [
      'an offer dearer than the budget',
      command('define', { ...DEFINITION, budgetCents: 499 }),
      'COMMAND_INVALID',
      'payload.offers.0.costCents',
    ],
    [
      'a later offer dearer than the budget',
      command('define', { ...DEFINITION, offers: [...DEFINITION.offers, { id: 'x', costCents: 10_001 }] }),
      'COMMAND_INVALID',
      'payload.offers.2.costCents',
    ],
    [
      'more offers than fit into what partitions are told',
      command('define', {
        ...DEFINITION,
        offers: Array.from({ length: 50 }, (_, i) => ({
          id: `o${i}`,
          costCents: 1,
          features: Object.fromEntries(Array.from({ length: 64 }, (_, j) => [`${'f'.repeat(60)}${j}`, 1])),
        })),
      }),
      'COMMAND_INVALID',
      'payload.offers',
    ],
    [
      'an end before the start',
      command('define', { ...DEFINITION, startsAt: '2026-02-01T00:00:00Z', endsAt: '2026-01-01T00:00:00Z' }),
      'CAMPAIGN_TIMES',
      'payload.endsAt',
    ],
    ['nothing', null, 'COMMAND_INVALID', ''],
    [
      'a surface that nobody declares',
      command('define', { ...DEFINITION, surface: 'promo.moon' }),
      'UNKNOWN_SURFACE',
      'payload.surface',
    ],
  ])('refuses %s and names the field', (_, body, code, field) => {
    expect(handle(emptyCampaign(), 'command', body)).toMatchObject({
      do: 'fail',
      error: { family: 'InvalidRequest', code, field },
    });
  });

  it.each([
    ['schedule', {}, 'CAMPAIGN_TIMES'],
    ['raise-budget', { budgetCents: 10_000 }, 'COMMAND_INVALID'],
    ['launch', { now: true }, 'COMMAND_INVALID'],
  ])('refuses %s of %j with %s', (name, payload, code) => {
    expect(handle(defined(), 'command', command(name, payload))).toMatchObject({ do: 'fail', error: { code } });
  });

  it('opens no more campaigns than are configured, and says so with a code of its own', () => {
    const openMax = 3;
    const few = { ...settings, campaign: { ...settings.campaign, openMax } };
    const known = (...ids: string[]) => CampaignLedger.of(ids.map((id) => replica(id)));
    const refused = { do: 'fail', error: { family: 'Conflict', code: 'CAMPAIGNS_MAX' } };
    const ask = (state: CampaignState, name: string, shared: CampaignLedger) =>
      handle(state, 'command', command(name), { shared, settings: few });
    expect(ask(defined(), 'launch', known('a', 'b')).do).toBe('append');
    expect(ask(defined(), 'launch', known('a', 'b', 'c'))).toMatchObject(refused);
    expect(ask(defined(), 'launch', known('a', 'b', 'spring')).do).toBe('append');
    for (const status of ['live', 'paused', 'scheduled'] as const)
      expect(ask(inStatus[status](), 'end', known('a', 'b', 'c')).do).toBe('append');
    const ctx = { address, partition: 1, sequence: ++sequence, atMs: NOW, settings: few, shared: known('a', 'b', 'c') };
    const folded = campaignKind.fold(
      defined(),
      { type: 'command', body: command('launch') },
      ctx as FoldContext<never>,
    );
    expect([folded.outcome, folded.effects]).toEqual(['refused', []]);
    const handled = handle(defined(), 'command', command('launch'));
    if (handled.do !== 'append') throw new Error(handled.do);
    expect(handled.refused(folded.reason!)).toMatchObject({ family: 'Conflict', code: 'CAMPAIGNS_MAX' });
  });

  it('appends a command and answers with the status it leads to', () => {
    const handled = handle(defined(), 'command', command('launch'));
    if (handled.do !== 'append') throw new Error(handled.do);
    expect(handled.class).toBe('command');
    expect(handled.reply({ sequence: 9, token: 't' })).toEqual({
      campaign: 'spring',
      command: 'launch',
      status: 'live',
      sequence: 9,
      token: 't',
    });
    expect(handled.refused('no')).toMatchObject({ code: 'CAMPAIGN_STATE', message: 'no' });
  });

  it('judges a command after those on their way', () => {
    const overlay = [command('launch')];
    expect(handle(defined(), 'command', command('pause'), { overlay }).do).toBe('append');
    expect(handle(defined(), 'command', command('launch'), { overlay })).toMatchObject({
      error: { code: 'CAMPAIGN_STATE' },
    });
  });

  it('answers a repeated commandId from the audit trail, joins one in flight, and refuses another body', () => {
    const launch = command('launch', {}, 'c1');
    const folded = fold(defined(), { type: 'command', body: launch });
    const repeated = handle(folded.state, 'command', launch);
    expect(repeated).toMatchObject({ do: 'reply', body: { status: 'live', sequence } });
    const appended = handle(defined(), 'command', launch);
    expect(handle(defined(), 'command', launch, { overlay: [launch] })).toEqual({
      do: 'join',
      key: appended.do === 'append' ? appended.key : '',
    });
    const other = { ...launch, why: 'another reason' };
    for (const [state, overlay] of [
      [folded.state, []],
      [defined(), [launch]],
    ] as const) {
      expect(handle(state, 'command', other, { overlay })).toMatchObject({ error: { code: 'COMMAND_ID_REUSED' } });
    }
  });

  it('tells commands apart that a short hash takes for one, and not by the order of their fields', () => {
    // 32-bit FNV-1a, over the fields as JSON, gives both the same.
    const [why, twin] = ['rain 49b', 'rain i110'];
    const raise = (reason: string, payload: object) => ({ ...command('raise-budget', payload, 'c1'), why: reason });
    const first = raise(why, { budgetCents: 20_000 });
    const { state } = fold(live().state, { type: 'command', body: first });
    const answerTo = (body: unknown) => handle(state, 'command', body);
    expect(answerTo(first)).toMatchObject({ do: 'reply' });
    expect(answerTo(raise(twin, { budgetCents: 20_000 }))).toMatchObject({ error: { code: 'COMMAND_ID_REUSED' } });
    const times = { startsAt: '2030-01-01T00:00:00Z', endsAt: '2031-01-01T00:00:00Z' };
    const schedule = command('schedule', times, 'c2');
    const scheduled = fold(defined(), { type: 'command', body: schedule }).state;
    const { startsAt, endsAt } = times;
    expect(handle(scheduled, 'command', { ...schedule, payload: { endsAt, startsAt } })).toMatchObject({ do: 'reply' });
  });

  it('keeps who, when and why of the last commands, and no more', () => {
    let state = live().state;
    for (let i = 0; i < AUDIT_ENTRIES_MAX; i++) state = run(state, i % 2 === 0 ? 'pause' : 'resume').state;
    expect(state.audit).toHaveLength(AUDIT_ENTRIES_MAX);
    expect(state.audit.at(-1)).toMatchObject({ by: 'ada', why: 'because', atMs: NOW, from: 'paused', to: 'live' });
  });

  it('tells apps of a campaign without its money', () => {
    const { state } = live();
    const told = [campaignKind.broadcast!(state, address, NOW), (handle(state, 'view', {}) as { body: unknown }).body];
    for (const one of told) expect(one).toMatchObject({ id: 'spring', status: 'live' });
    expect(JSON.stringify(told)).not.toMatch(/cents|audit|offers|because/i);
  });

  it('shows a campaign and its money to the engine, and none before it is defined', () => {
    for (const verb of ['view', 'books'])
      expect(handle(emptyCampaign(), verb, {})).toMatchObject({ do: 'fail', error: { code: 'CAMPAIGN_UNKNOWN' } });
    expect(handle(live().state, 'books', {})).toMatchObject({
      do: 'reply',
      body: {
        id: 'spring',
        status: 'live',
        budgetCents: 10_000,
        unallottedCents: 8000,
        allowedCommands: ['pause', 'end', 'raise-budget'],
      },
    });
    expect(handle(live().state, 'decide', {})).toMatchObject({ error: { code: 'VERB_UNKNOWN' } });
  });

  it('survives a save and a load as JSON', () => {
    for (const status of CAMPAIGN_STATES) {
      const state = inStatus[status]();
      expect(campaignKind.revive(JSON.parse(JSON.stringify(state)))).toEqual(state);
    }
    expect(campaignKind.isVacant(campaignKind.create(address))).toBe(true);
    expect(() => campaignKind.revive({ status: 'live' })).toThrow();
  });

  it('takes no events', () => {
    const event = { type: 'event', event: { source: '', id: '', type: 'click', timeMs: 0, data: {} } } as ActorRecord;
    expect(fold(live().state, event).outcome).toBe('ignored');
  });
});
