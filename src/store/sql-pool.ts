/** The part of `pg` that the store uses directly, over the pool that the ORM owns. */
export interface SqlResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly rowCount: number | null;
}

export interface SqlClient {
  query(sql: string, values?: readonly unknown[]): Promise<SqlResult>;
  /** `true` closes the connection instead of giving it back. */
  release(destroy?: boolean): void;
}

export interface SqlPool extends Pick<SqlClient, 'query'> {
  connect(): Promise<SqlClient>;
  /** Hears of every client that is taken out, and of every one that is given back. */
  on(event: 'acquire', listener: (client: SqlClient) => void): unknown;
  on(event: 'release', listener: (error: unknown, client: SqlClient) => void): unknown;
}

/** Commits what `work` does if it resolves, and nothing of it if it rejects. */
export async function inTransaction<T>(pool: SqlPool, work: (client: SqlClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken = false;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => (broken = true));
    throw error;
  } finally {
    client.release(broken);
  }
}
