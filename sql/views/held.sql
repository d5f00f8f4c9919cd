-- What is held under a lease, job by job.
create or replace view pgqueue.held as
select
    entry.job, claims.id as claim, claims.claimed_at, claims.expires_at, claims.worker, entry.attempt,
    entry.last_attempt, entry.priority
from pgqueue.claims
cross join lateral pgqueue.entries(claims) as entry;
