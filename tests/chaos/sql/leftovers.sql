-- What may not be there once everything has ended and the house was kept: one
-- row per thing left, by name.
select 'a row in ready' as leftover, ready.id::text as what
from pgqueue.ready
union all
select 'a claim', claims.id::text
from pgqueue.claims
union all
select 'a body kept for ever', kept.id::text
from pgqueue.jobs_kept as kept
where not exists (
    select
    from pgqueue.outcomes_of(kept.id) as ended
    where ended.retry_at is null
)
union all
-- Windows pass while we look; those past for long should have gone.
select 'a window whose time is past', past.name
from pgqueue.past_windows() as past
where past.high < pgqueue.now() - interval '40 seconds'
