-- One word for what the rows of a job say.
create or replace function pgqueue.state_of(
    is_dead boolean,
    final_state text,
    is_held boolean,
    is_put_back boolean,
    is_cancelled boolean,
    is_later boolean
)
returns text
language sql
immutable
parallel safe
as $$
    select case
        when is_dead then 'dead'
        when final_state in ('succeeded', 'cancelled') then final_state
        when is_held then 'running'
        when final_state = 'dead' and not is_put_back then 'purged'
        when is_cancelled then 'cancelled'
        when is_later then 'scheduled'
        else 'waiting'
    end
$$;

-- When a job is due: as its last attempt or its body says, unless it was hurried since.
create or replace function pgqueue.due_at(
    run_at timestamptz,
    retry_at timestamptz,
    finished_at timestamptz,
    hurried_at timestamptz
)
returns timestamptz
language sql
immutable
parallel safe
as $$
    select case
        when hurried_at is not null and (retry_at is null or hurried_at >= finished_at) then hurried_at
        else coalesce(retry_at, run_at)
    end
$$;

-- What job_states tells, of these jobs, in their order. Each part is probed by the
-- job's id, the limits see to that; the claims, which no id leads to, are walked
-- once, and not at all where all these jobs have ended.
create or replace function pgqueue.states_of(jobs bigint[])
returns table (
    id bigint,
    queue text,
    task text,
    state text,
    attempt smallint,
    max_attempts smallint,
    priority smallint,
    enqueued_at timestamptz,
    run_at timestamptz,
    claimed_at timestamptz,
    expires_at timestamptz,
    worker bigint,
    finished_at timestamptz
)
language sql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
    with known as materialized (
        select
            label.id, label.queue, label.task, label.max_attempts, asked.place,
            coalesce(revision.priority, label.priority) as priority,
            pgqueue.due_at(label.run_at, final.retry_at, final.finished_at, revision.hurried_at) as run_at,
            final.state as final_state, final.attempt, final.retry_at, final.finished_at,
            letter.job_id is not null as is_dead,
            cancellation.job_id is not null as is_cancelled,
            redrive.job_id is not null as is_put_back
        from unnest(jobs) with ordinality as asked (id, place)
        cross join lateral pgqueue.label_of(asked.id) as label
        left join lateral (
            select letter.job_id
            from pgqueue.dead_letters as letter
            where letter.job_id = asked.id
            limit 1
        ) as letter on true
        left join lateral (
            select cancellations.job_id
            from pgqueue.cancellations
            where cancellations.job_id = asked.id
            limit 1
        ) as cancellation on true
        left join lateral (
            select ended.state, ended.attempt, ended.retry_at, ended.finished_at
            from pgqueue.outcomes_of(asked.id) as ended
            order by ended.claim_id desc
            limit 1
        ) as final on true
        left join lateral (
            select revisions.hurried_at, revisions.priority
            from pgqueue.revisions
            where revisions.job_id = asked.id
            limit 1
        ) as revision on true
        left join lateral (
            select redrives.job_id
            from pgqueue.redrives
            where redrives.job_id = asked.id
                and redrives.redriven_at >= final.finished_at
            limit 1
        ) as redrive on true
    ),
    held as materialized (
        select entry.job, entry.attempt, claims.id as claim, claims.claimed_at, claims.expires_at, claims.worker
        from pgqueue.claims
        cross join lateral pgqueue.entries(claims) as entry
        where entry.job = any (states_of.jobs)
            and exists (
                select
                from known
                where not known.is_dead
                    and coalesce(known.final_state, '') not in ('succeeded', 'cancelled')
            )
    )
    select
        job.id,
        job.queue,
        job.task,
        pgqueue.state_of(
            is_dead => job.is_dead,
            final_state => job.final_state,
            is_held => held.claim is not null,
            is_put_back => job.is_put_back,
            is_cancelled => job.is_cancelled,
            is_later => job.run_at > pgqueue.now()
        ),
        coalesce(held.attempt, job.attempt, 0::smallint),
        job.max_attempts,
        job.priority,
        pgqueue.moment_of(job.id),
        case when held.claim is null then job.run_at end,
        held.claimed_at,
        held.expires_at,
        held.worker,
        case when job.retry_at is null then job.finished_at end
    from known as job
    left join held on held.job = job.id and held.attempt > coalesce(job.attempt, 0)
    order by job.place
$$;
