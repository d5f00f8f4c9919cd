-- ready -> claims. Takes up to max_jobs due jobs of the queues, in the order
-- of the queues, then priority (0 first), then visible_at, then id, under one
-- lease. Paused queues are passed over, cancelled jobs end here. `floors` may hold one moment per queue and priority (ten per queue):
-- rows visible before it are passed over unseen; a hint, never a truth.
-- Returns a row per job; where there is none, one row whose job is null.
-- Locks: the rows taken, skipping locked ones; waits for nothing.
create or replace function pgqueue.claim(
    queues text[],
    max_jobs integer default 1,
    lease interval default '1 minute',
    worker bigint default null,
    floors timestamptz[] default null
)
returns table (
    claim bigint,
    claimed_at timestamptz,
    expires_at timestamptz,
    job bigint,
    attempt smallint,
    last_attempt smallint,
    queue text,
    task text,
    payload text,
    headers text,
    priority smallint,
    visible_at timestamptz,
    timeout interval,
    keep_result boolean
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $$
declare
    v_now timestamptz := pgqueue.now();
    v_claim bigint := pgqueue.next_id(v_now);
    v_open text[] := queues;
    v_cancelled bigint[] := '{}';
    v_jobs bigint[];
    v_attempts smallint[];
    v_last_attempts smallint[];
    v_priorities smallint[];
    v_visible_ats timestamptz[];
begin
    if exists (select from pgqueue.queues where paused_at is not null) then
        v_open := array(
            select case when paused.name is null then named.queue end
            from unnest(queues) with ordinality as named (queue, place)
            left join pgqueue.queues as paused on paused.name = named.queue and paused.paused_at is not null
            order by named.place
        );
    end if;

    with picked as materialized (
        select line.*
        from generate_series(0, cardinality(queues) * 10 - 1) as number
        cross join lateral (
            select
                ready.ctid as place, ready.slot, ready.id, ready.attempt, ready.last_attempt,
                ready.priority, ready.visible_at
            from pgqueue.ready
            where (ready.slot <= v_now or ready.slot = 'infinity')
                and ready.queue = v_open[number / 10 + 1]
                and ready.priority = number % 10
                and ready.visible_at >= coalesce(floors[number + 1], '-infinity')
                and ready.visible_at <= v_now
            order by ready.visible_at, ready.id
            limit max_jobs
            for update skip locked
        ) as line
        limit max_jobs
    ),
    taken as (
        delete from pgqueue.ready
        using picked
        where (ready.slot <= v_now or ready.slot = 'infinity')
            and ready.slot = picked.slot
            and ready.ctid = picked.place
        returning ready.id, ready.attempt, ready.last_attempt, ready.priority, ready.visible_at
    )
    select
        array_agg(taken.id), array_agg(taken.attempt + 1), array_agg(taken.last_attempt),
        array_agg(taken.priority), array_agg(taken.visible_at)
    into v_jobs, v_attempts, v_last_attempts, v_priorities, v_visible_ats
    from taken;

    if v_jobs is null then
        claimed_at := v_now;
        return next;
        return;
    end if;

    insert into pgqueue.claims
        (id, claimed_at, expires_at, worker, jobs, attempts, last_attempts, priorities)
    values
        (v_claim, v_now, v_now + lease, worker, v_jobs, v_attempts, v_last_attempts, v_priorities);

    if exists (select from pgqueue.cancellations) then
        v_cancelled := pgqueue.drop_cancelled(v_claim, v_jobs);
        if cardinality(v_cancelled) = cardinality(v_jobs) then
            return query
            select *
            from pgqueue.claim(queues, max_jobs, lease, worker, floors);
            return;
        end if;
    end if;

    return query
    select
        v_claim, v_now, v_now + lease, held.id, held.attempt, held.last_attempt,
        body.queue, body.task, body.payload::text, body.headers::text, held.priority, held.visible_at,
        body.timeout, body.keep_result
    from unnest(v_jobs, v_attempts, v_last_attempts, v_priorities, v_visible_ats)
        as held (id, attempt, last_attempt, priority, visible_at)
    left join lateral (
        select jobs.queue, jobs.task, jobs.payload, jobs.headers, jobs.timeout, jobs.keep_result
        from pgqueue.jobs
        where jobs.id = held.id
    ) as body on true
    where held.id <> all (v_cancelled);
end
$$;
