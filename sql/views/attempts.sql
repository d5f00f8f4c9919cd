-- How attempts ended, job by job.
create or replace view pgqueue.attempts as
select
    outcomes.job_id + number as job_id, outcomes.claim_id, outcomes.claimed_at, outcomes.finished_at, outcomes.worker,
    outcomes.retry_at, outcomes.run_seconds[number + 1] as run_seconds, outcomes.attempt, outcomes.state,
    outcomes.error, outcomes.result
from pgqueue.outcomes
cross join unnest(pgqueue.places(outcomes.size)) as number;
