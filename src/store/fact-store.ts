import { Migrator } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';
import { CampaignRow } from './entities/campaign-row.js';
import { DecisionFact } from './entities/decision-fact.js';
import { GateVerdictRow } from './entities/gate-verdict-row.js';
import { OutcomeFact } from './entities/outcome-fact.js';
import { PolicyVersionRow } from './entities/policy-version-row.js';
import { SinkPosition } from './entities/sink-position.js';
import { FactsRepository } from './facts-repository.js';
import { FactsAsJson } from './migrations/facts-as-json.js';
import { GateVerdicts } from './migrations/gate-verdicts.js';
import { OutcomeCredits } from './migrations/outcome-credits.js';
import { InitialFacts } from './migrations/initial-facts.js';
import { RegistryRepository } from './registry-repository.js';
import type { FactsWriter } from './sink/sink-ports.js';
import { SqlFactsWriter } from './sink/sql-facts-writer.js';
import type { SqlPool } from './sql-pool.js';

/** Advisory lock of the process that migrates. */
const MIGRATION_LOCK = 0x41545e00;

export interface FactStoreOptions {
  /** `postgresql://user:password@host:port/database` */
  readonly url: string;
  /** Connections at most. The sink holds one and uses another; at least 3. */
  readonly connectionsMax?: number;
}

/** The long memory in PostgreSQL. Making one does no I/O, so that a process can start while the database is down. */
export class FactStore {
  readonly orm: MikroORM;
  readonly facts: FactsRepository;
  readonly registry: RegistryRepository;
  readonly writer: FactsWriter;
  #migration: Promise<void> | undefined;

  constructor(options: FactStoreOptions) {
    this.orm = new MikroORM({
      clientUrl: options.url,
      entities: [DecisionFact, OutcomeFact, CampaignRow, PolicyVersionRow, GateVerdictRow, SinkPosition],
      extensions: [Migrator],
      migrations: {
        migrationsList: [InitialFacts, FactsAsJson, GateVerdicts, OutcomeCredits],
        tableName: 'attune_migrations',
        snapshot: false,
      },
      pool: { min: 0, max: Math.max(3, options.connectionsMax ?? 6) },
      // A database that does not answer is as good as one that is down; the sink tries again, a reader is told.
      driverOptions: { connectionTimeoutMillis: 5_000, query_timeout: 60_000, keepAlive: true },
      logger: () => undefined,
    });
    this.facts = new FactsRepository(this.orm);
    this.registry = new RegistryRepository(this.orm);
    this.writer = new SqlFactsWriter(() => this.#migratedPool());
  }

  /**
   * Brings the schema up to date; of several processes that do so at once, one works and the others wait. Once done it is
   * not done again. Rejects as the driver does, and may then be called again.
   */
  migrate(): Promise<void> {
    this.#migration ??= this.#migrate().catch((error: unknown) => {
      this.#migration = undefined;
      throw error;
    });
    return this.#migration;
  }

  async close(): Promise<void> {
    await this.orm.close(true);
  }

  async #migrate(): Promise<void> {
    const client = await (await this.#pool()).connect();
    try {
      await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
      await this.orm.migrator.up();
    } finally {
      // Closing the connection gives the lock back, whatever state it is in.
      client.release(true);
    }
  }

  async #migratedPool(): Promise<SqlPool> {
    await this.migrate();
    return this.#pool();
  }

  async #pool(): Promise<SqlPool> {
    return (await this.orm.em.getConnection().getNativeClient()) as SqlPool;
  }
}
