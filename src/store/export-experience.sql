-- Experiences of decisions whose outcome is known, one JSON object a row: what `npm run evaluate -- --format attune` reads.
-- psql "$DATABASE_URL" -At -v surface=rider.pickup -f src/store/export-experience.sql > experience.json
select jsonb_strip_nulls(
         jsonb_build_object(
           'explorationFloor', d.details -> 'explorationFloor', 'boosts', d.details -> 'boosts',
           'subject', d.details -> 'subject',
           'state', d.details -> 'state',
           'observation', d.details -> 'observation',
           'credits', o.credits,
           'credit', o.credit))
       || jsonb_build_object(
         'decisionId', d.id,
         'surface', d.surface,
         'status', o.status,
         'decidedAtMs', round(extract(epoch from d.at) * 1000),
         'closedAtMs', round(extract(epoch from o.closed_at) * 1000),
         'policy', jsonb_build_object('id', d.policy_id, 'version', d.policy_version),
         'slate', d.slate,
         'eligible', d.details -> 'eligible',
         'distribution', d.details -> 'distribution',
         'context', d.context,
         'features', d.details -> 'features',
         'reward', o.reward,
         'rewardedId', o.rewarded_id,
         'events', o.events)
  from decision_fact d
  join outcome_fact o on o.decision_id = d.id
 where d.surface = :'surface'
   and o.status = 'complete'
   and o.reward is not null
 order by d.at, d.id;
