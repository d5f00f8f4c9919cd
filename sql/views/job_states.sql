-- Where every job is, in one word. A job is what its rows say: dead with a dead
-- letter, ended with a last outcome, running in a claim, else it waits: its row
-- in ready is implied, never looked up, so one job costs the same in any backlog.
-- states_of tells the same of a few jobs, by probes alone.
create or replace view pgqueue.job_states as
select
    jobs.id,
    jobs.queue,
    jobs.task,
    pgqueue.state_of(
        is_dead => letter.job_id is not null,
        final_state => final.state,
        is_held => held.claim is not null,
        is_put_back => exists (
            select
            from pgqueue.redrives
            where redrives.job_id = jobs.id
                and redrives.redriven_at >= final.finished_at
        ),
        is_cancelled => cancellation.job_id is not null,
        is_later => pgqueue.due_at(jobs.run_at, final.retry_at, final.finished_at, revision.hurried_at) > pgqueue.now()
    ) as state,
    coalesce(held.attempt, final.attempt, 0::smallint) as attempt,
    jobs.max_attempts,
    coalesce(revision.priority, jobs.priority) as priority,
    pgqueue.moment_of(jobs.id) as enqueued_at,
    case
        when held.claim is null then pgqueue.due_at(jobs.run_at, final.retry_at, final.finished_at, revision.hurried_at)
    end as run_at,
    held.claimed_at,
    held.expires_at,
    held.worker,
    case when final.retry_at is null then final.finished_at end as finished_at
from pgqueue.bodies as jobs
left join pgqueue.dead_letters as letter on letter.job_id = jobs.id
left join pgqueue.cancellations as cancellation on cancellation.job_id = jobs.id
left join lateral (
    select ended.state, ended.attempt, ended.retry_at, ended.finished_at
    from pgqueue.outcomes_of(jobs.id) as ended
    order by ended.claim_id desc
    limit 1
) as final on true
left join pgqueue.revisions as revision on revision.job_id = jobs.id
left join (
    select entry.job, entry.attempt, claims.id as claim, claims.claimed_at, claims.expires_at, claims.worker
    from pgqueue.claims
    cross join lateral pgqueue.entries(claims) as entry
) as held on held.job = jobs.id and held.attempt > coalesce(final.attempt, 0);
