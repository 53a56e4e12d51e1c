import { Migration } from '@mikro-orm/migrations';

const COLUMNS: readonly (readonly [table: string, column: string])[] = [
  ['decision_fact', 'slate'],
  ['decision_fact', 'filtered'],
  ['decision_fact', 'context'],
  ['decision_fact', 'details'],
  ['outcome_fact', 'events'],
];

/**
 * What is written once and read whole is kept as the text it came as: taking it apart into jsonb was half of what a
 * decision cost PostgreSQL. `->` and `->>` work on both; cast to jsonb for what only that can.
 */
export class FactsAsJson extends Migration {
  override name = '2026-02-facts-as-json';

  override up(): void {
    for (const [table, column] of COLUMNS)
      this.addSql(`alter table "${table}" alter column "${column}" type json using "${column}"::json`);
  }

  override down(): void {
    for (const [table, column] of COLUMNS)
      this.addSql(`alter table "${table}" alter column "${column}" type jsonb using "${column}"::jsonb`);
  }
}
