import type { MikroORM } from '@mikro-orm/postgresql';
import type { CampaignDefinition, CampaignStatus } from '../messages/campaigns.js';
import type { Artifact } from '../policies/artifact.js';
import { EngineError } from '../kernel/errors.js';
import { CampaignRow, type CampaignRecord } from './entities/campaign-row.js';
import type { GateVerdict } from '../messages/gate-verdict.js';
import { GateVerdictRow, type GateVerdictRecord } from './entities/gate-verdict-row.js';
import { PolicyVersionRow, type PolicyVersionRecord } from './entities/policy-version-row.js';

export interface CampaignReport {
  readonly id: string;
  readonly status: CampaignStatus;
  readonly definition: CampaignDefinition;
  /** Fold sequence at the campaign actor. */
  readonly sequence: number;
  readonly atMs: number;
}

/** Campaigns and policy versions by name, for queries. Rejects as the driver does while the database is out of reach. */
export class RegistryRepository {
  constructor(private readonly orm: MikroORM) {}

  /** Keeps the report with the highest sequence; repeating one changes nothing. */
  async registerCampaign({ id, status, definition, sequence, atMs }: CampaignReport): Promise<void> {
    await this.orm.em.fork().execute(
      `insert into campaign (id, name, surface, status, budget_cents, definition, sequence, updated_at)
       values (?, ?, ?, ?, ?, ?::jsonb, ?, ?)
       on conflict (id) do update set name = excluded.name, surface = excluded.surface, status = excluded.status,
         budget_cents = excluded.budget_cents, definition = excluded.definition, sequence = excluded.sequence,
         updated_at = excluded.updated_at
       where campaign.sequence < excluded.sequence`,
      [
        id,
        definition.name,
        definition.surface,
        status,
        definition.budgetCents,
        JSON.stringify(definition),
        sequence,
        new Date(atMs),
      ],
    );
  }

  /** Ordered by id. */
  async campaigns(): Promise<readonly CampaignRecord[]> {
    return this.orm.em.fork().find(CampaignRow, {}, { orderBy: { id: 'asc' } });
  }

  /**
   * Registers a published artifact; doing it again changes nothing. Rejects with Conflict `POLICY_VERSION_TAKEN` where the
   * version stands for another artifact.
   */
  async registerPolicy({ policy, family, checksum, lineage }: Artifact): Promise<void> {
    const em = this.orm.em.fork();
    await em.execute(
      `insert into policy_version (policy_id, version, family, checksum, lineage, registered_at)
       values (?, ?, ?, ?, ?::jsonb, ?) on conflict do nothing`,
      [policy.id, policy.version, family, checksum, JSON.stringify(lineage), new Date(lineage.createdAtMs)],
    );
    const stored = await em.findOneOrFail(PolicyVersionRow, { policyId: policy.id, version: policy.version });
    if (stored.checksum === checksum) return;
    throw new EngineError(
      'Conflict',
      'POLICY_VERSION_TAKEN',
      `Version ${policy.version} of ${policy.id} is registered with another checksum.`,
      { field: 'policy.version' },
    );
  }

  /** Registers a promotion or rejection; doing it again changes nothing. */
  async registerVerdict(verdict: GateVerdict): Promise<void> {
    const { policyId, candidate, version, outcome, reason, alpha, decisions, judgedAtMs } = verdict;
    await this.orm.em.fork().execute(
      `insert into gate_verdict (policy_id, candidate, version, outcome, reason, alpha, decisions, verdict, judged_at)
       values (?, ?, ?, ?, ?, ?, ?, ?::jsonb, ?) on conflict do nothing`,
      [policyId, candidate, version, outcome, reason, alpha, decisions, JSON.stringify(verdict), new Date(judgedAtMs)],
    );
  }

  /** Verdicts on candidates for one policy, latest first. */
  async verdicts(policyId: string): Promise<readonly GateVerdictRecord[]> {
    return this.orm.em.fork().find(GateVerdictRow, { policyId }, { orderBy: { judgedAt: 'desc', candidate: 'desc' } });
  }

  /** Versions of one policy, latest first. */
  async policyVersions(policyId: string): Promise<readonly PolicyVersionRecord[]> {
    return this.orm.em.fork().find(PolicyVersionRow, { policyId }, { orderBy: { version: 'desc' } });
  }
}
