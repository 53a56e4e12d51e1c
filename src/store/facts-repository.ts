import type { MikroORM } from '@mikro-orm/postgresql';
import { EngineError } from '../kernel/errors.js';
import type { DecisionBody, ExperienceStatus } from '../messages/decisions.js';
import type { JournalPosition } from '../messages/tokens.js';
import { DecisionFact } from './entities/decision-fact.js';
import { OutcomeFact, type OutcomeFactRow } from './entities/outcome-fact.js';
import { SinkPosition } from './entities/sink-position.js';
import { EXPERIENCE_SOURCE, partitionOfSource } from './sink/cursor.js';
import { decisionBody } from './sink/fact-rows.js';

/** The longest list a query gives. */
export const FACTS_MAX = 1_000;

export interface RecentDecisions {
  readonly surface?: string;
  readonly policyId?: string;
  readonly actor?: { readonly kind: string; readonly token: string };
  /** Decided before this, milliseconds since the epoch. */
  readonly beforeMs?: number;
  /** At most FACTS_MAX, which is the default. */
  readonly limit?: number;
}

export interface PolicyOutcomes {
  readonly policyId: string;
  readonly policyVersion: number;
  readonly surface: string;
  readonly status: ExperienceStatus;
  readonly count: number;
  readonly rewardSum: number;
  readonly rewardSquareSum: number;
}

/** Queries over the facts. All reject with Dependency `FACTS_UNAVAILABLE` while the database is out of reach. */
export class FactsRepository {
  constructor(private readonly orm: MikroORM) {}

  /** The decision as it was journaled, or undefined where there is no fact of it (yet). */
  async decision(decisionId: string): Promise<DecisionBody | undefined> {
    return answer(async () => {
      const row = await this.orm.em.fork().findOne(DecisionFact, { id: decisionId }, { orderBy: { sequence: 'desc' } });
      return row === null ? undefined : decisionBody(row);
    });
  }

  /** Latest first. */
  async recentDecisions(query: RecentDecisions = {}): Promise<readonly DecisionBody[]> {
    const { surface, policyId, actor, beforeMs, limit = FACTS_MAX } = query;
    return answer(async () => {
      const rows = await this.orm.em.fork().find(
        DecisionFact,
        {
          ...(surface === undefined ? {} : { surface }),
          ...(policyId === undefined ? {} : { policyId }),
          ...(actor === undefined ? {} : { actorKind: actor.kind, actorToken: actor.token }),
          ...(beforeMs === undefined ? {} : { at: { $lt: new Date(beforeMs) } }),
        },
        { orderBy: { at: 'desc', sequence: 'desc' }, limit: Math.min(limit, FACTS_MAX) },
      );
      return rows.map(decisionBody);
    });
  }

  /** How one decision ended: refusal, experience and later corrections, in the order they closed. */
  async outcomesOf(decisionId: string): Promise<readonly OutcomeFactRow[]> {
    return answer(() => this.orm.em.fork().find(OutcomeFact, { decisionId }, { orderBy: { closedAt: 'asc' } }));
  }

  /**
   * Counts and reward sums of the decisions that closed in [fromMs, toMs), by policy version, surface and status. A
   * correction is a row of its own status, beside the one it corrects: of both only one may be added to a total.
   */
  async outcomesByPolicy(fromMs: number, toMs: number): Promise<readonly PolicyOutcomes[]> {
    const rows = await answer(() =>
      this.orm.em.fork().execute<Record<string, string>[]>(
        `select policy_id, policy_version, surface, status, count(*) as count, sum(reward) as reward_sum,
                sum(reward * reward) as reward_square_sum
         from outcome_fact
         where status <> 'refused' and closed_at >= ? and closed_at < ?
         group by policy_id, policy_version, surface, status
         order by policy_id, policy_version, surface, status`,
        [new Date(fromMs), new Date(toMs)],
      ),
    );
    return rows.map((row) => ({
      policyId: row['policy_id']!,
      policyVersion: Number(row['policy_version']),
      surface: row['surface']!,
      status: row['status'] as ExperienceStatus,
      count: Number(row['count']),
      rewardSum: Number(row['reward_sum']),
      rewardSquareSum: Number(row['reward_square_sum']),
    }));
  }

  /**
   * Up to which sequence each partition's journal is sunk, whichever process sinks: below it, facts do not need the
   * journal any more. A partition that is missing has no facts yet; one whose journal was made again keeps the old
   * identity until its first record is sunk.
   */
  async positions(): Promise<readonly JournalPosition[]> {
    return (await this.sources()).flatMap(({ source, identity, sequence }) => {
      const partition = partitionOfSource(source);
      return partition === undefined ? [] : [{ partition, identity, sequence }];
    });
  }

  /** The same of the experience stream; undefined before anything of it was sunk. */
  async experiencePosition(): Promise<{ readonly identity: string; readonly sequence: number } | undefined> {
    return (await this.sources()).find(({ source }) => source === EXPERIENCE_SOURCE);
  }

  private async sources(): Promise<readonly { source: string; identity: string; sequence: number }[]> {
    return answer(() => this.orm.em.fork().find(SinkPosition, { identity: { $ne: '' } }));
  }
}

async function answer<T>(query: () => Promise<T>): Promise<T> {
  try {
    return await query();
  } catch (error) {
    throw new EngineError('Dependency', 'FACTS_UNAVAILABLE', 'The database of facts cannot be reached.', {
      retryAfterMs: 1_000,
      cause: error,
    });
  }
}
