-- Counted where it happened: states and outcomes by pgqueue, rows by the demo's tables.
-- The seconds run from the first claim to the last end, by the database's clock.
select
    job.succeeded,
    attempt.retried,
    job.dead,
    job.cancelled,
    written.rows_written,
    attempt.seconds
from (
    select
        count(*) filter (where known.state = 'succeeded') as succeeded,
        count(*) filter (where known.state = 'dead') as dead,
        count(*) filter (where known.state = 'cancelled') as cancelled
    from pgqueue.job_states as known
    where known.id = any (%(jobs)s::bigint[])
) as job
cross join (
    select
        count(outcomes.retry_at) as retried,
        coalesce(extract(epoch from max(outcomes.finished_at) - min(outcomes.claimed_at)), 0)::double precision as seconds
    from pgqueue.outcomes
    where outcomes.job_id = any (%(jobs)s::bigint[])
) as attempt
cross join (
    select count(*) as rows_written
    from pgqueue_demo.demo_files
    where demo_files.job_id = any (%(jobs)s::bigint[])
) as written
