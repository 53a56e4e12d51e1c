import { Migration } from '@mikro-orm/migrations';

/** Promotions and rejections of candidates. */
export class GateVerdicts extends Migration {
  override name = '2026-11-gate-verdicts';

  override up(): void {
    this.addSql(`create table "gate_verdict" (
      "policy_id" text not null, "candidate" bigint not null, "version" bigint not null, "outcome" text not null,
      "reason" text not null, "alpha" double precision not null, "decisions" bigint not null, "verdict" jsonb not null,
      "judged_at" timestamptz(3) not null, primary key ("policy_id", "candidate", "version", "judged_at"))`);
  }

  override down(): void {
    this.addSql(`drop table "gate_verdict"`);
  }
}
