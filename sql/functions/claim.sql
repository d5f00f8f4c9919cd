-- ready -> claims. Takes up to max_jobs due jobs of the queues, in the order
-- of the queues, then priority (0 first), then visible_at, then id, under one
-- lease. Paused queues are passed over, cancelled jobs end here: after a
-- thousand batches of nothing else it answers with none. `floors` and
-- `floor_ids` may hold a place per queue and priority (ten per queue), below which
-- rows are passed over unseen; a hint, never a truth. `marked` asks which
-- transaction this is, and which was the oldest under way before it looked.
-- `apart`: whether it may take, and then alone, a job of the line apart (see
-- claim_apart): true, before any other; false, not; null, where no other is due,
-- and before them once in a hundred.
-- Returns a row per job; where there is none, one row whose job is null. `more`:
-- not all that is due was looked at. Locks: the rows taken, skipping locked ones;
-- waits for nothing. Raises PQ002 (a lease or a limit out of bounds).
create or replace function pgqueue.claim(
    queues text[],
    max_jobs integer default 1,
    lease interval default '1 minute',
    worker bigint default null,
    floors timestamptz[] default null,
    floor_ids bigint[] default null,
    marked boolean default false,
    apart boolean default null
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
    keep_result boolean,
    more boolean,
    paused text[],
    transaction bigint,
    oldest bigint
)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $$
declare
    v_now timestamptz := pgqueue.now();
    v_claim bigint;
    v_open text[] := queues;
    v_is_paused boolean;
    v_is_cancelled boolean;
    v_is_apart boolean := false;
    v_cancelled bigint[] := '{}';
    v_jobs bigint[];
    v_attempts smallint[];
    v_last_attempts smallint[];
    v_priorities smallint[];
    v_visible_ats timestamptz[];
    v_more boolean;
    v_paused text[];
    v_transaction bigint;
    v_oldest bigint;
begin
    if (lease > interval '0' and max_jobs > 0) is not true then
        perform pgqueue.refuse_claim(max_jobs, lease);
    end if;
    select
        exists (select from pgqueue.queues where paused_at is not null),
        exists (select from pgqueue.cancellations)
    into v_is_paused, v_is_cancelled;
    if v_is_paused then
        v_open := pgqueue.open_queues(queues);
        v_paused := array(select unnest(queues) except select unnest(v_open));
    end if;
    if marked then
        v_transaction := pg_current_xact_id()::text::bigint;
        v_oldest := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    end if;

    if coalesce(apart, random() < 0.01) then
        v_claim := pgqueue.next_id(v_now);
        select array[one.job], array[one.attempt], array[one.last_attempt], '{10}', array[one.visible_at]
        into v_jobs, v_attempts, v_last_attempts, v_priorities, v_visible_ats
        from pgqueue.claim_apart(v_claim, v_now, v_open, lease, worker) as one;
        v_is_apart := v_jobs is not null;
        v_more := v_is_apart;
    end if;

    for v_batch in 1 .. 1000 loop
        exit when v_is_apart;
        v_cancelled := '{}';
        v_claim := pgqueue.next_id(v_now);
        with picked as materialized (
            select line.*
            from generate_series(0, cardinality(v_open) * 10 - 1) as number
            cross join lateral (
                select
                    ready.ctid as place, ready.slot, ready.id, ready.attempt, ready.last_attempt,
                    ready.priority, ready.visible_at
                from pgqueue.ready
                where (ready.slot <= v_now or ready.slot = 'infinity')
                    and ready.queue = v_open[number / 10 + 1]
                    and ready.priority = number % 10
                    and (ready.visible_at, ready.id)
                        >= (coalesce(floors[number + 1], '-infinity'), coalesce(floor_ids[number + 1], 0))
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
            returning picked.id, picked.attempt + 1 as attempt, picked.last_attempt, picked.priority, picked.visible_at
        ),
        batch as (
            select
                array_agg(taken.id) as jobs, array_agg(taken.attempt)::smallint[] as attempts,
                array_agg(taken.last_attempt) as last_attempts, array_agg(taken.priority) as priorities,
                array_agg(taken.visible_at) as visible_ats
            from taken
        ),
        held as (
            insert into pgqueue.claims
                (id, claimed_at, expires_at, worker, jobs, attempts, last_attempts, priorities)
            select
                v_claim, v_now, v_now + lease, claim.worker,
                batch.jobs, batch.attempts, batch.last_attempts, batch.priorities
            from batch
            where batch.jobs is not null
        )
        select batch.jobs, batch.attempts, batch.last_attempts, batch.priorities, batch.visible_ats
        into v_jobs, v_attempts, v_last_attempts, v_priorities, v_visible_ats
        from batch;

        v_more := coalesce(cardinality(v_jobs) >= max_jobs, false);
        if v_jobs is not null and v_is_cancelled then
            v_cancelled := pgqueue.drop_cancelled(v_claim, v_jobs);
            continue when cardinality(v_cancelled) = cardinality(v_jobs);
        end if;
        exit;
    end loop;

    if v_jobs is null and apart is null then
        select array[one.job], array[one.attempt], array[one.last_attempt], '{10}', array[one.visible_at]
        into v_jobs, v_attempts, v_last_attempts, v_priorities, v_visible_ats
        from pgqueue.claim_apart(v_claim, v_now, v_open, lease, worker) as one;
    end if;
    if v_jobs is null or cardinality(v_cancelled) = cardinality(v_jobs) then
        claimed_at := v_now;
        more := v_more;
        paused := v_paused;
        transaction := v_transaction;
        oldest := v_oldest;
        return next;
        return;
    end if;
    return query
    select
        v_claim, v_now, v_now + lease, v_jobs[place], v_attempts[place], v_last_attempts[place],
        body.queue, body.task, body.payload::text, body.headers::text, v_priorities[place], v_visible_ats[place],
        body.timeout, body.keep_result, v_more, v_paused, v_transaction, v_oldest
    from generate_series(1, cardinality(v_jobs)) as place
    left join lateral (
        select jobs.queue, jobs.task, jobs.payload, jobs.headers, jobs.timeout, jobs.keep_result
        from pgqueue.jobs
        where jobs.id = v_jobs[place]
        union all
        select kept.queue, kept.task, kept.payload, kept.headers, kept.timeout, kept.keep_result
        from pgqueue.jobs_kept as kept
        where kept.id = v_jobs[place]
        limit 1
    ) as body on true
    where v_cancelled = '{}'
        or v_jobs[place] <> all (v_cancelled);
end
$$;

-- The queues with null in the place of those that are paused.
create or replace function pgqueue.open_queues(queues text[])
returns text[]
language sql
stable
as $$
    select array_agg(case when paused.name is null then named.queue end order by named.place)
    from unnest(open_queues.queues) with ordinality as named (queue, place)
    left join pgqueue.queues as paused on paused.name = named.queue and paused.paused_at is not null
$$;

create or replace function pgqueue.refuse_claim(max_jobs integer, lease interval)
returns void
language plpgsql
volatile
as $$
begin
    perform pgqueue.refuse('PQ002', concat_ws('; ',
        case when max_jobs > 0 then null
            else format('max_jobs %s is not above zero', coalesce(max_jobs::text, 'null')) end,
        case when lease > interval '0' then null
            else format('lease %s is not above zero', coalesce(lease::text, 'null')) end
    ));
end
$$;
