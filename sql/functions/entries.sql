-- The jobs a claim holds, one by one. Inlined into what calls it.
create or replace function pgqueue.entries(held pgqueue.claims)
returns table (job bigint, attempt smallint, last_attempt smallint, priority smallint)
language sql
immutable
as $$
    select piece.job + number, piece.attempt, piece.last_attempt, piece.priority
    from unnest(held.jobs, held.sizes, held.attempts, held.last_attempts, held.priorities)
        as piece (job, size, attempt, last_attempt, priority)
    cross join unnest(pgqueue.places(piece.size)) as number
$$;

-- How many they are.
create or replace function pgqueue.size_of(held pgqueue.claims)
returns bigint
language sql
immutable
as $$
    select coalesce(sum(size), 0) from unnest(held.sizes) as size
$$;

-- How the attempts of one job ended, a row each.
create or replace function pgqueue.outcomes_of(job bigint)
returns table (
    claim_id bigint,
    claimed_at timestamptz,
    finished_at timestamptz,
    worker bigint,
    retry_at timestamptz,
    run_seconds real,
    attempt smallint,
    state text,
    error jsonb,
    result jsonb
)
language sql
stable
as $$
    select
        outcomes.claim_id, outcomes.claimed_at, outcomes.finished_at, outcomes.worker, outcomes.retry_at,
        outcomes.run_seconds[outcomes_of.job - outcomes.job_id + 1], outcomes.attempt, outcomes.state,
        outcomes.error, outcomes.result
    from pgqueue.outcomes
    where outcomes.job_id between pgqueue.bundle_of(outcomes_of.job) and outcomes_of.job
        and outcomes.job_id + outcomes.size > outcomes_of.job
$$;

-- What a job's body says but for its payload and headers, which may be large: where
-- the payload stands among the columns it is cut out of its bundle, wanted or not.
create or replace function pgqueue.label_of(job bigint)
returns table (
    id bigint,
    priority smallint,
    max_attempts smallint,
    run_at timestamptz,
    queue text,
    task text
)
language sql
stable
as $$
    select label_of.job, jobs.priority, jobs.max_attempts, jobs.run_at, jobs.queue, jobs.task
    from pgqueue.jobs
    where jobs.id = pgqueue.bundle_of(label_of.job)
        and jobs.size > pgqueue.place_of(label_of.job)
    union all
    select kept.id, kept.priority, kept.max_attempts, kept.run_at, kept.queue, kept.task
    from pgqueue.jobs_kept as kept
    where kept.id = label_of.job
    limit 1
$$;

-- One job's body, from its bundle or, where that is dropped, from what was kept.
create or replace function pgqueue.body_of(job bigint)
returns table (
    id bigint,
    priority smallint,
    max_attempts smallint,
    keep_result boolean,
    run_at timestamptz,
    timeout interval,
    queue text,
    task text,
    payload jsonb,
    headers jsonb
)
language sql
stable
as $$
    select
        body_of.job, jobs.priority, jobs.max_attempts, jobs.keep_result, jobs.run_at, jobs.timeout, jobs.queue,
        jobs.task, jobs.payloads[pgqueue.place_of(body_of.job) + 1], jobs.headers
    from pgqueue.jobs
    where jobs.id = pgqueue.bundle_of(body_of.job)
        and jobs.size > pgqueue.place_of(body_of.job)
    union all
    select *
    from pgqueue.jobs_kept as kept
    where kept.id = body_of.job
    limit 1
$$;
