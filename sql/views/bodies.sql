-- Every job's body, one by one: those in their partition, and those kept beyond it.
-- Of a job whose id is known body_of tells the same, by a probe.
create or replace view pgqueue.bodies as
select
    jobs.id + number as id, jobs.priority, jobs.max_attempts, jobs.keep_result, jobs.run_at, jobs.timeout,
    jobs.queue, jobs.task, jobs.payloads[number + 1] as payload, jobs.headers
from pgqueue.jobs
cross join unnest(pgqueue.places(jobs.size)) as number
union all
select kept.*
from pgqueue.jobs_kept as kept
where not exists (
    select
    from pgqueue.jobs
    where jobs.id = pgqueue.bundle_of(kept.id)
);
