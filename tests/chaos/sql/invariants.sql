-- What holds in every snapshot of the queue, whoever is at work. One row per
-- breach: the invariant's name, and the job or the claim that breaks it. Needs
-- the archive (setup.sql): the history itself is dropped with its windows.
with held as materialized (
    -- A claim names a job until its worker reports; the receipt says it has gone.
    select entry.claim, entry.job, entry.attempt, entry.last_attempt
    from pgqueue.held as entry
    where not exists (
        select
        from chaos.outcomes
        where outcomes.job = entry.job
            and outcomes.claim = entry.claim
    )
),
finals as materialized (
    select outcomes.job, outcomes.state, outcomes.finished_at
    from chaos.outcomes
    where outcomes.is_final
),
last_final as materialized (
    select distinct on (finals.job) finals.job, finals.state, finals.finished_at
    from finals
    order by finals.job, finals.finished_at desc
),
redriven as materialized (
    select redrives.job, count(*) as times, max(redrives.redriven_at) as last_at
    from chaos.redrives
    group by redrives.job
),
-- Those whose end stands: not redriven since.
ended as materialized (
    select last_final.job, last_final.state
    from last_final
    left join redriven using (job)
    where redriven.last_at is null
        or redriven.last_at < last_final.finished_at
),
waiting as materialized (
    select jobs.id as job
    from pgqueue.waiting as jobs
    union all
    select held.job
    from held
)
select 'a waiting job has its body' as invariant, waiting.job as id
from waiting
where not exists (
    select
    from pgqueue.bodies
    where bodies.id = waiting.job
)
union all
select 'a job waits once, or is held once', waiting.job
from waiting
group by waiting.job
having count(*) > 1
union all
select 'a job that ended waits no more', waiting.job
from waiting
join ended using (job)
union all
select 'a job either waits or has ended', bodies.job
from chaos.bodies
where not exists (select from waiting where waiting.job = bodies.job)
    and not exists (select from ended where ended.job = bodies.job)
union all
select 'a job ends once, and once more for each redrive', finals.job
from finals
left join redriven using (job)
group by finals.job, redriven.times
having count(*) > 1 + coalesce(redriven.times, 0)
union all
select 'an attempt ends once', outcomes.job
from chaos.outcomes
group by outcomes.job, outcomes.attempt
having count(*) > 1
union all
select 'attempts are within their bounds', ready.id
from pgqueue.ready
where ready.attempt not between 0 and ready.last_attempt - 1
union all
select 'attempts are within their bounds', held.job
from held
where held.attempt not between 1 and held.last_attempt
union all
select 'a row''s jobs are of one bundle', ready.id
from pgqueue.ready
where ready.size < 1
    or pgqueue.bundle_of(ready.id) <> pgqueue.bundle_of(ready.id + ready.size - 1)
union all
select 'a row''s jobs are of one bundle', piece.job
from pgqueue.claims
cross join unnest(claims.jobs, claims.sizes) as piece (job, size)
where piece.size < 1
    or pgqueue.bundle_of(piece.job) <> pgqueue.bundle_of(piece.job + piece.size - 1)
union all
select 'a row''s jobs are of one bundle', outcomes.job_id
from pgqueue.outcomes
where outcomes.size < 1
    or pgqueue.bundle_of(outcomes.job_id) <> pgqueue.bundle_of(outcomes.job_id + outcomes.size - 1)
    or cardinality(outcomes.run_seconds) <> outcomes.size
union all
select 'a bundle''s payloads are as many as its jobs', jobs.id
from pgqueue.jobs
where jobs.size <> cardinality(jobs.payloads)
    or jobs.size > 64
    or jobs.id <> pgqueue.bundle_of(jobs.id)
union all
select 'a claim''s arrays run in parallel', claims.id
from pgqueue.claims
where cardinality(claims.jobs) <> cardinality(claims.sizes)
    or cardinality(claims.jobs) <> cardinality(claims.attempts)
    or cardinality(claims.jobs) <> cardinality(claims.last_attempts)
    or cardinality(claims.jobs) <> cardinality(claims.priorities)
union all
select 'a dead letter is of a job that died last', letter.job_id
from pgqueue.dead_letters as letter
where not exists (
    select
    from ended
    where ended.job = letter.job_id
        and ended.state = 'dead'
)
