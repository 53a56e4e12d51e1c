import { Migration } from '@mikro-orm/migrations';

/** Decisions, outcomes, campaigns, policy versions and the sink's positions. */
export class InitialFacts extends Migration {
  override name = '2026-01-initial-facts';

  override up(): void {
    this.addSql(`create table "decision_fact" (
      "partition" int not null, "identity" text not null, "sequence" bigint not null, "id" text not null,
      "epoch" bigint not null, "surface" text not null, "subject_kind" text not null, "actor_kind" text not null,
      "actor_token" text not null, "at" timestamptz(3) not null, "policy_id" text not null,
      "policy_version" bigint not null, "personalized" boolean not null, "degraded" text[] not null,
      "fallback_reason" text null, "slate" jsonb not null, "propensities" double precision[] not null,
      "filtered" jsonb not null, "context" jsonb not null, "details" jsonb not null,
      primary key ("partition", "identity", "sequence"))`);
    this.addSql(`create index "decision_fact_id" on "decision_fact" ("id")`);
    this.addSql(`create index "decision_fact_surface_at" on "decision_fact" ("surface", "at")`);
    this.addSql(`create index "decision_fact_policy_at" on "decision_fact" ("policy_id", "policy_version", "at")`);
    this.addSql(`create index "decision_fact_actor_at" on "decision_fact" ("actor_kind", "actor_token", "at")`);

    this.addSql(`create table "outcome_fact" (
      "partition" int not null, "identity" text not null, "sequence" bigint not null, "index" int not null,
      "decision_id" text not null, "surface" text not null, "status" text not null, "decided_at" timestamptz(3) null,
      "closed_at" timestamptz(3) not null, "policy_id" text null, "policy_version" bigint null,
      "reward" double precision null, "rewarded_id" text null, "reason" text null, "events" jsonb not null,
      primary key ("partition", "identity", "sequence", "index"))`);
    this.addSql(`create index "outcome_fact_decision_id" on "outcome_fact" ("decision_id")`);
    this.addSql(
      `create index "outcome_fact_policy_closed" on "outcome_fact" ("policy_id", "policy_version", "closed_at")`,
    );

    this.addSql(`create table "campaign" (
      "id" text not null primary key, "name" text not null, "surface" text not null, "status" text not null,
      "budget_cents" bigint not null, "definition" jsonb not null, "sequence" bigint not null,
      "updated_at" timestamptz(3) not null)`);
    this.addSql(`create index "campaign_surface" on "campaign" ("surface")`);

    this.addSql(`create table "policy_version" (
      "policy_id" text not null, "version" bigint not null, "family" text not null, "checksum" text not null,
      "lineage" jsonb not null, "registered_at" timestamptz(3) not null, primary key ("policy_id", "version"))`);

    this.addSql(`create table "sink_position" (
      "source" text not null primary key, "identity" text not null, "sequence" bigint not null, "epoch" bigint null,
      "session" bigint null, "watermarks" jsonb not null, "updated_at" timestamptz(3) not null)`);
  }

  override down(): void {
    for (const table of ['sink_position', 'policy_version', 'campaign', 'outcome_fact', 'decision_fact']) {
      this.addSql(`drop table "${table}"`);
    }
  }
}
