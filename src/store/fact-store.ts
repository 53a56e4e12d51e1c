import { Migrator } from '@mikro-orm/migrations';
import { MikroORM, type Options } from '@mikro-orm/postgresql';
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
import type { SqlClient, SqlPool } from './sql-pool.js';

/** Advisory lock of the process that migrates. */
const MIGRATION_LOCK = 0x41545e00;
/** One has the lock, another migrates. */
const MIGRATION_CONNECTIONS = 3;

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
  readonly #url: string;
  #migration: Promise<void> | undefined;

  constructor({ url, connectionsMax = 6 }: FactStoreOptions) {
    this.#url = url;
    this.orm = new MikroORM(ormOptions(url, Math.max(3, connectionsMax)));
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

  /**
   * With a pool of its own: a connection that is lost in the middle of a migration is never given back by the ORM, and a pool
   * waits for it for ever when it is closed.
   */
  async #migrate(): Promise<void> {
    const orm = new MikroORM({ ...ormOptions(this.#url, MIGRATION_CONNECTIONS), extensions: [Migrator] });
    const pool = await poolOf(orm);
    const taken = new Set<SqlClient>();
    pool.on('acquire', (client) => taken.add(client));
    pool.on('release', (_, client) => taken.delete(client));
    try {
      const client = await pool.connect();
      await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
      await orm.migrator.up();
    } finally {
      // Closing a connection gives the lock back, whatever state it is in.
      for (const client of taken) client.release(true);
      await orm.close(true);
    }
  }

  async #migratedPool(): Promise<SqlPool> {
    await this.migrate();
    return poolOf(this.orm);
  }
}

const ormOptions = (clientUrl: string, connectionsMax: number): Options => ({
  clientUrl,
  entities: [DecisionFact, OutcomeFact, CampaignRow, PolicyVersionRow, GateVerdictRow, SinkPosition],
  migrations: {
    migrationsList: [InitialFacts, FactsAsJson, GateVerdicts, OutcomeCredits],
    tableName: 'attune_migrations',
    snapshot: false,
  },
  pool: { min: 0, max: connectionsMax },
  // A database that does not answer is as good as one that is down; the sink tries again, a reader is told.
  driverOptions: { connectionTimeoutMillis: 5_000, query_timeout: 60_000, keepAlive: true },
  logger: () => undefined,
});

/** The pool that the ORM owns. */
const poolOf = async (orm: MikroORM): Promise<SqlPool> => (await orm.em.getConnection().getNativeClient()) as SqlPool;
