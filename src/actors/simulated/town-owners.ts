/** What the people behind campaigns do in one run of the town. */
import type { SeededRandom } from '../../kernel/random.js';
import type { Apps } from './apps.js';
import type { DoneCommand } from './town-promises.js';
import { TOWN_PROMO } from './town.js';

/** Codes that a command may be refused with because the campaign has moved on meanwhile. */
const OVERTAKEN = ['CAMPAIGN_STATE', 'CAMPAIGN_TIMES'];

export class TownOwners {
  readonly commands: DoneCommand[] = [];
  private nextId = 0;

  constructor(
    private readonly apps: Apps,
    private readonly random: SeededRandom,
    private readonly untilMs: number,
  ) {}

  /** Defines and launches or schedules a campaign, then pauses, resumes, raises and ends it, or leaves some of that out. */
  async run(campaign: string): Promise<void> {
    const { random, apps, untilMs } = this;
    const budgetCents = 20 + Math.floor(40 * random.next());
    await this.command(campaign, 'define', {
      name: campaign,
      surface: TOWN_PROMO,
      budgetCents,
      offerValidMs: 1_000,
      offers: [
        { id: `${campaign}-small`, costCents: 3 },
        { id: `${campaign}-large`, costCents: 5 },
      ],
    });
    await this.begin(campaign);
    await apps.wait(untilMs * 0.3 * random.next());
    if (random.next() < 0.4) {
      await this.command(campaign, 'pause', {});
      await apps.wait(1_500 * random.next());
      if (random.next() < 0.8) await this.command(campaign, 'resume', {});
    }
    if (random.next() < 0.5)
      await this.command(campaign, 'raise-budget', { budgetCents: budgetCents + Math.ceil(30 * random.next()) });
    await apps.wait(untilMs * 0.3 * random.next());
    if (random.next() < 0.3) await this.command(campaign, 'end', {});
  }

  private async begin(campaign: string): Promise<void> {
    const { random, apps, untilMs } = this;
    if (random.next() < 0.6) return this.command(campaign, 'launch', {});
    const startsAtMs = apps.wallMs + 1_000 * random.next();
    const endsAtMs = startsAtMs + untilMs * (0.2 + 0.8 * random.next());
    const endsAt = random.next() < 0.5 ? { endsAt: new Date(endsAtMs).toISOString() } : {};
    return this.command(campaign, 'schedule', { startsAt: new Date(startsAtMs).toISOString(), ...endsAt });
  }

  /** Insists under one commandId. A campaign that has moved on meanwhile may refuse. */
  private async command(campaign: string, name: string, payload: unknown): Promise<void> {
    const commandId = `c${campaign}${this.nextId++}`;
    const body = { name, by: 'town', why: 'simulation', payload, commandId };
    const answer = (await this.apps.insist('campaign', campaign, 'command', body, OVERTAKEN)) as
      { sequence: number } | undefined;
    if (!answer) return;
    this.commands.push({ campaign, partition: this.apps.partition(campaign), sequence: answer.sequence, commandId });
  }
}
