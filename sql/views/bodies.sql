-- Every job's body, one by one: those in their partition, and those kept beyond it.
-- Of a job whose id is known body_of tells the same, by a probe.
create or replace view pgqueue.bodies as
select
    jobs.id + body.place - 1 as id, jobs.priority, jobs.max_attempts, jobs.keep_result, jobs.run_at, jobs.timeout,
    jobs.queue, jobs.task, body.payload, jobs.headers
from pgqueue.jobs
cross join lateral unnest(jobs.payloads) with ordinality as body (payload, place)
union all
select kept.*
from pgqueue.jobs_kept as kept
where not exists (
    select
    from pgqueue.jobs
    where jobs.id = pgqueue.bundle_of(kept.id)
);
