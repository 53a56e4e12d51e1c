import { EngineError } from '../../kernel/errors.js';
import { inTransaction, type SqlClient, type SqlPool } from '../sql-pool.js';
import { FRESH_CURSOR, type Cursor, type FactChange, type Watermarks } from './cursor.js';
import type { FactsBatch, FactsWriter, PositionChange } from './sink-ports.js';

/** Advisory lock of the process that sinks; any number that nothing else of Attune's uses. */
const SINK_LOCK = 0x41545e01;

const INSERT_DECISIONS = `
  insert into decision_fact
  select * from json_populate_recordset(null::decision_fact, $1::json) as fact
  where not exists (select 1 from outcome_fact where decision_id = fact.id and status = 'refused')
  on conflict do nothing`;

const INSERT_OUTCOMES = `
  insert into outcome_fact
  select * from json_populate_recordset(null::outcome_fact, $1::json)
  on conflict do nothing`;

// A refusal that came before its decision is seen by INSERT_DECISIONS; this is for one that came after.
const DELETE_REFUSED = `
  delete from decision_fact where id in (
    select decision_id from json_to_recordset($1::json) as outcome(decision_id text, status text) where status = 'refused'
  )`;

const DELETE_VOID = `
  delete from decision_fact as fact
  using json_to_recordset($1::json) as place(partition int, identity text, sequence bigint)
  where fact.partition = place.partition and fact.identity = place.identity and fact.sequence = place.sequence`;

const CREATE_POSITIONS = `
  insert into sink_position (source, identity, sequence, watermarks, updated_at)
  select source, '', 0, '{}', now() from unnest($1::text[]) as source
  on conflict do nothing`;

const MOVE_POSITIONS = `
  update sink_position as position
  set identity = moved.identity, sequence = moved.sequence, epoch = moved.epoch, session = moved.session,
      watermarks = moved.watermarks, updated_at = now()
  from json_to_recordset($1::json) as moved(source text, identity text, sequence bigint, epoch bigint, session bigint,
    watermarks jsonb, from_identity text, from_sequence bigint)
  where position.source = moved.source and position.identity = moved.from_identity
    and position.sequence = moved.from_sequence`;

/** The sink's side of the database, in SQL over the ORM's own pool: whole batches in single statements. */
export class SqlFactsWriter implements FactsWriter {
  /** `pool` may connect, and bring the schema up to date, when it is first asked. */
  constructor(private readonly pool: () => Promise<SqlPool>) {}

  async claim(work: () => Promise<void>): Promise<boolean> {
    const client = await (await this.pool()).connect();
    let broken: unknown;
    try {
      const { rows } = await client.query('select pg_try_advisory_lock($1) as claimed', [SINK_LOCK]);
      if (rows[0]?.['claimed'] !== true) return false;
      try {
        await work();
      } finally {
        await client.query('select pg_advisory_unlock($1)', [SINK_LOCK]).catch((error: unknown) => (broken = error));
      }
      return true;
    } finally {
      // A connection that may still hold the lock must not go back to the pool.
      client.release(broken !== undefined);
    }
  }

  async load(sources: readonly string[]): Promise<ReadonlyMap<string, Cursor>> {
    const pool = await this.pool();
    await pool.query(CREATE_POSITIONS, [sources]);
    const { rows } = await pool.query(
      'select source, identity, sequence, epoch, session, watermarks from sink_position where source = any($1)',
      [sources],
    );
    const saved = new Map<string, Cursor>(sources.map((source) => [source, FRESH_CURSOR]));
    for (const row of rows) saved.set(String(row['source']), cursorOf(row));
    return saved;
  }

  async commit(batch: FactsBatch): Promise<{ readonly unstorable: number }> {
    const decisions = rowsOf(batch.changes, 'decision');
    const outcomes = rowsOf(batch.changes, 'outcome');
    const voided = batch.changes.filter((change) => change.kind === 'void');
    return inTransaction(await this.pool(), async (client) => {
      // Facts and positions go together: what a crash of the database takes with it is read from the journals again.
      await client.query('set local synchronous_commit = off');
      await movePositions(client, batch.positions);
      let unstorable = await insert(client, INSERT_DECISIONS, decisions);
      if (voided.length > 0) await client.query(DELETE_VOID, [JSON.stringify(voided)]);
      if (outcomes.length > 0) {
        unstorable += await insert(client, INSERT_OUTCOMES, outcomes);
        await client.query(DELETE_REFUSED, [jsonArray(outcomes)]);
      }
      return { unstorable };
    });
  }
}

async function movePositions(client: SqlClient, positions: readonly PositionChange[]): Promise<void> {
  const moves = positions.map(({ source, from, to }) => ({
    source,
    identity: to.identity,
    sequence: to.sequence,
    epoch: to.term?.[0] ?? null,
    session: to.term?.[1] ?? null,
    watermarks: to.watermarks,
    from_identity: from.identity,
    from_sequence: from.sequence,
  }));
  const { rowCount } = await client.query(MOVE_POSITIONS, [JSON.stringify(moves)]);
  if (rowCount === positions.length) return;
  throw new EngineError('Conflict', 'SINK_POSITION_MOVED', 'Another process has moved the position of the facts sink.');
}

/**
 * Inserts rows, and where PostgreSQL refuses one for what is in it, all the others: it is looked for by halves. A row
 * that can never be stored would otherwise stop the sink for good. Resolves to how many were left out.
 */
async function insert(client: SqlClient, sql: string, rows: readonly string[]): Promise<number> {
  if (rows.length === 0) return 0;
  await client.query('savepoint rows');
  try {
    await client.query(sql, [jsonArray(rows)]);
    await client.query('release savepoint rows');
    return 0;
  } catch (error) {
    if (!isDataError(error)) throw error;
    await client.query('rollback to savepoint rows');
  }
  if (rows.length === 1) return 1;
  const middle = rows.length >> 1;
  return (await insert(client, sql, rows.slice(0, middle))) + (await insert(client, sql, rows.slice(middle)));
}

/** SQLSTATE class 22 is "data exception", 23 "integrity constraint violation", 54 "program limit exceeded". */
function isDataError(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^(?:22|23|54)[0-9A-Z]{3}$/.test(code);
}

function rowsOf(changes: readonly FactChange[], kind: 'decision' | 'outcome'): string[] {
  return changes.flatMap((change) => (change.kind === kind ? [change.json] : []));
}

const jsonArray = (rows: readonly string[]): string => `[${rows.join(',')}]`;

function cursorOf(row: Readonly<Record<string, unknown>>): Cursor {
  const known = row['epoch'] !== null && row['session'] !== null;
  return {
    identity: String(row['identity']),
    sequence: Number(row['sequence']),
    term: known ? [Number(row['epoch']), Number(row['session'])] : undefined,
    watermarks: parsed(row['watermarks']),
  };
}

/** The ORM's pool hands JSON columns over as text. */
const parsed = (json: unknown): Watermarks => (typeof json === 'string' ? JSON.parse(json) : json) as Watermarks;
