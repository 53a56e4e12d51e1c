import { Migration } from '@mikro-orm/migrations';

/** What each item of a slate earned. */
export class OutcomeCredits extends Migration {
  override name = '2026-12-outcome-credits';

  override up(): void {
    this.addSql(`alter table "outcome_fact" add column "credits" json, add column "credit" text`);
  }

  override down(): void {
    this.addSql(`alter table "outcome_fact" drop column "credits", drop column "credit"`);
  }
}
