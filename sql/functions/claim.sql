-- ready -> claims. Takes up to max_jobs due jobs of the queues, in the order
-- of the queues, then priority (0 first), then visible_at, then id, under one
-- lease. Paused queues are passed over, cancelled jobs end here: after a
-- thousand batches of nothing else it answers with none. `floors` and
-- `floor_ids` may hold a place per queue and priority (ten per queue), below which
-- rows are passed over unseen; a hint, never a truth. `marked` asks which
-- transaction this is, and which was the oldest under way before it looked; that is
-- not told where it passed by something locked, whose rest would be below the floors.
-- `apart`: whether it may take, and then alone, a job of the line apart (see
-- claim_apart): true, before any other; false, not; null, where no other is due,
-- and before them once in a hundred.
-- Returns a row per job; where there is none, one row whose job is null. `more`:
-- not all that is due was looked at. What it leaves of a bundle it took from, or
-- locked and did not need, others may have passed by: it rings for that.
-- Locks: the rows taken and perhaps some after them, skipping locked ones, and the
-- bell of each queue where something is left, shared, to the end of the
-- transaction; waits for nothing. Raises PQ002 (a lease or a limit out of bounds).
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
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    select
        piece.claim, piece.claimed_at, piece.expires_at, piece.job + body.place - 1, piece.attempt, piece.last_attempt,
        piece.queue, piece.task, body.payload, piece.headers, piece.priority, piece.visible_at, piece.timeout,
        piece.keep_result, piece.more, piece.paused, piece.transaction, piece.oldest
    from pgqueue.claim_pieces(queues, max_jobs, lease, worker, floors, floor_ids, marked, apart) as piece
    left join lateral unnest(piece.payloads) with ordinality as body (payload, place) on true
$$;

-- The same, with a row for each piece of a bundle: `job` is its first, `payloads` its
-- bodies. Job by job where some are cancelled, or kept beyond their bundle: always in the
-- order in which the claim holds them, for so their run times are told (finish_all).
create or replace function pgqueue.claim_pieces(
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
    payloads text[],
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
    v_sizes smallint[];
    v_attempts smallint[];
    v_last_attempts smallint[];
    v_priorities smallint[];
    v_visible_ats timestamptz[];
    v_wanted integer;
    v_line integer;
    v_rows integer;
    v_found integer;
    v_rest integer;
    v_last integer;
    v_left_in text[];
    v_first record;
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
        select array[one.job], '{1}', array[one.attempt], array[one.last_attempt], '{10}', array[one.visible_at]
        into v_jobs, v_sizes, v_attempts, v_last_attempts, v_priorities, v_visible_ats
        from pgqueue.claim_apart(v_claim, v_now, v_open, lease, worker) as one;
        v_is_apart := v_jobs is not null;
        v_more := v_is_apart;
    end if;

    for v_batch in 1 .. 1000 loop
        exit when v_is_apart;
        v_cancelled := '{}';
        v_claim := pgqueue.next_id(v_now);
        v_jobs := null;
        v_wanted := max_jobs;
        v_rows := 0;
        -- How many rows that takes nobody knows before: the first tells by its size. By
        -- itself it is found at two thirds of the price of several.
        select number, line.*
        into v_first
        from generate_series(0, cardinality(v_open) * 10 - 1) as number
        cross join lateral (
            select
                ready.ctid as place, ready.slot, ready.id, ready.size, ready.attempt, ready.last_attempt,
                ready.priority, ready.visible_at, ready.queue
            from pgqueue.ready
            where (ready.slot <= v_now or ready.slot = 'infinity')
                and ready.queue = v_open[number / 10 + 1]
                and ready.priority = number % 10
                and (ready.visible_at, ready.id)
                    >= (coalesce(floors[number + 1], '-infinity'), coalesce(floor_ids[number + 1], 0))
                and ready.visible_at <= v_now
            order by ready.visible_at, ready.id
            limit 1
            for update skip locked
        ) as line
        limit 1;
        if found then
            delete from pgqueue.ready
            where ready.slot = v_first.slot
                and ready.ctid = v_first.place;
            v_jobs := array[v_first.id];
            v_sizes := array[least(v_first.size, v_wanted)];
            v_attempts := array[v_first.attempt + 1];
            v_last_attempts := array[v_first.last_attempt];
            v_priorities := array[v_first.priority];
            v_visible_ats := array[v_first.visible_at];
            v_wanted := v_wanted - v_sizes[1];
            v_line := v_first.number;
            v_rows := least((v_wanted + v_first.size - 1) / v_first.size, 16);
            if v_first.size > v_sizes[1] then
                perform pgqueue.leave_rest(
                    v_first.id + v_sizes[1], v_now, v_first.visible_at, v_first.priority, v_attempts[1],
                    v_first.last_attempt, v_first.size - v_sizes[1], v_first.queue
                );
                perform pgqueue.announce(v_first.queue, true);
            end if;
        end if;
        while v_rows > 0 loop
            with picked as materialized (
                select line.*, sum(line.size) over (rows unbounded preceding) - line.size as before
                from (
                    select number, line.*
                    from generate_series(0, cardinality(v_open) * 10 - 1) as number
                    cross join lateral (
                        select
                            ready.ctid as place, ready.slot, ready.id, ready.size, ready.attempt, ready.last_attempt,
                            ready.priority, ready.visible_at, ready.queue
                        from pgqueue.ready
                        where (ready.slot <= v_now or ready.slot = 'infinity')
                            and ready.queue = v_open[number / 10 + 1]
                            and ready.priority = number % 10
                            and (ready.visible_at, ready.id)
                                >= (coalesce(floors[number + 1], '-infinity'), coalesce(floor_ids[number + 1], 0))
                            and ready.visible_at <= v_now
                        order by ready.visible_at, ready.id
                        limit v_rows
                        for update skip locked
                    ) as line
                    limit v_rows
                ) as line
            ),
            taken as (
                delete from pgqueue.ready
                using picked
                where (ready.slot <= v_now or ready.slot = 'infinity')
                    and ready.slot = picked.slot
                    and ready.ctid = picked.place
                    and picked.before < v_wanted
                returning
                    picked.number, picked.id, least(picked.size, v_wanted - picked.before) as size,
                    greatest(picked.before + picked.size - v_wanted, 0) as rest,
                    picked.attempt + 1 as attempt, picked.last_attempt, picked.priority, picked.visible_at
            )
            select
                v_jobs || array_agg(taken.id), v_sizes || array_agg(taken.size)::smallint[],
                v_attempts || array_agg(taken.attempt)::smallint[], v_last_attempts || array_agg(taken.last_attempt),
                v_priorities || array_agg(taken.priority), v_visible_ats || array_agg(taken.visible_at),
                v_wanted - coalesce(sum(taken.size), 0), greatest(v_line, max(taken.number)), sum(taken.rest),
                (select count(*) from picked),
                array(select picked.queue from picked where picked.before + picked.size > v_wanted)
            into
                v_jobs, v_sizes, v_attempts, v_last_attempts, v_priorities, v_visible_ats,
                v_wanted, v_line, v_rest, v_found, v_left_in
            from taken;

            v_last := cardinality(v_jobs);
            if v_rest > 0 then
                perform pgqueue.leave_rest(
                    v_jobs[v_last] + v_sizes[v_last], v_now, v_visible_ats[v_last], v_priorities[v_last],
                    v_attempts[v_last], v_last_attempts[v_last], v_rest, v_left_in[1]
                );
            end if;
            if v_left_in <> '{}' then
                perform pgqueue.announce(named.queue, true)
                from (select distinct unnest(v_left_in) as queue) as named;
            end if;
            exit when v_wanted = 0 or v_found < v_rows;
            v_rows := least((v_wanted + v_sizes[v_last] - 1) / v_sizes[v_last], greatest(16, 8 * v_rows));
        end loop;

        v_more := v_wanted = 0;
        if v_jobs is not null then
            insert into pgqueue.claims
                (id, claimed_at, expires_at, worker, jobs, sizes, attempts, last_attempts, priorities)
            values (
                v_claim, v_now, v_now + lease, worker, v_jobs, v_sizes, v_attempts, v_last_attempts, v_priorities
            );
        end if;
        if v_jobs is not null and v_is_cancelled then
            v_cancelled := pgqueue.drop_cancelled(v_claim);
            continue when cardinality(v_cancelled) = max_jobs - v_wanted;
        end if;
        exit;
    end loop;
    if marked and not v_is_apart and pgqueue.passed_by(
        v_open, floors, floor_ids, v_now,
        case when v_wanted = 0 then v_line end, v_visible_ats[cardinality(v_jobs)], v_jobs[cardinality(v_jobs)]
    ) then
        v_transaction := null;
        v_oldest := null;
    end if;

    if v_jobs is null and apart is null then
        select array[one.job], '{1}', array[one.attempt], array[one.last_attempt], '{10}', array[one.visible_at]
        into v_jobs, v_sizes, v_attempts, v_last_attempts, v_priorities, v_visible_ats
        from pgqueue.claim_apart(v_claim, v_now, v_open, lease, worker) as one;
    end if;
    return query
    select
        v_claim, v_now, v_now + lease, piece.job, piece.attempt, piece.last_attempt, bundle.queue, bundle.task,
        bundle.payloads[pgqueue.place_of(piece.job) + 1:pgqueue.place_of(piece.job) + piece.size]::text[],
        bundle.headers::text, piece.priority, piece.visible_at, bundle.timeout, bundle.keep_result,
        v_more, v_paused, v_transaction, v_oldest
    from unnest(v_jobs, v_sizes, v_attempts, v_last_attempts, v_priorities, v_visible_ats)
        as piece (job, size, attempt, last_attempt, priority, visible_at)
    cross join lateral (
        select jobs.queue, jobs.task, jobs.payloads, jobs.headers, jobs.timeout, jobs.keep_result
        from pgqueue.jobs
        where jobs.id = pgqueue.bundle_of(piece.job)
        limit 1
    ) as bundle
    where v_cancelled = '{}'
        and not exists (select from pgqueue.jobs_kept as kept where kept.id = any (v_jobs));
    get diagnostics v_found = row_count;
    if v_found < cardinality(v_jobs) then
        return query
        select
            v_claim, v_now, v_now + lease, piece.job + number, piece.attempt, piece.last_attempt, body.queue, body.task,
            array[body.payload::text], body.headers::text, piece.priority, piece.visible_at, body.timeout,
            body.keep_result, v_more, v_paused, v_transaction, v_oldest
        from unnest(v_jobs, v_sizes, v_attempts, v_last_attempts, v_priorities, v_visible_ats)
            as piece (job, size, attempt, last_attempt, priority, visible_at)
        cross join generate_series(0, piece.size - 1) as number
        left join lateral pgqueue.body_of(piece.job + number) as body on true
        where piece.job + number <> all (v_cancelled)
            and (v_found = 0 or not exists (select from pgqueue.jobs where jobs.id = pgqueue.bundle_of(piece.job)));
        get diagnostics v_rest = row_count;
        v_found := v_found + v_rest;
    end if;
    if v_found = 0 then
        claimed_at := v_now;
        more := v_more;
        paused := v_paused;
        transaction := v_transaction;
        oldest := v_oldest;
        return next;
    end if;
end
$$;

-- Whether something due is there that a claim has not taken, above its floors: before
-- the last row it took, of that number of line, or anywhere where it was not filled.
create or replace function pgqueue.passed_by(
    queues text[],
    floors timestamptz[],
    floor_ids bigint[],
    moment timestamptz,
    last_line integer,
    last_visible_at timestamptz,
    last_id bigint
)
returns boolean
language plpgsql
volatile
as $$
begin
    return exists (
        select
        from generate_series(0, coalesce(last_line, cardinality(queues) * 10 - 1)) as number
        cross join lateral (
            select
            from pgqueue.ready
            where (ready.slot <= moment or ready.slot = 'infinity')
                and ready.queue = queues[number / 10 + 1]
                and ready.priority = number % 10
                and (ready.visible_at, ready.id)
                    >= (coalesce(floors[number + 1], '-infinity'), coalesce(floor_ids[number + 1], 0))
                and (ready.visible_at, ready.id) <= (
                    case when number = last_line then last_visible_at else moment end,
                    case when number = last_line then last_id else 9223372036854775807 end
                )
            order by ready.visible_at, ready.id
            limit 1
        ) as line
    );
end
$$;

-- What a claim leaves of a row it took from, in the same place; `attempt` is the one
-- that begins for those it took.
create or replace function pgqueue.leave_rest(
    id bigint,
    moment timestamptz,
    visible_at timestamptz,
    priority smallint,
    attempt smallint,
    last_attempt smallint,
    size integer,
    queue text
)
returns void
language plpgsql
volatile
as $$
begin
    insert into pgqueue.ready
        (id, slot, visible_at, priority, attempt, last_attempt, size, queue)
    values
        (id, moment, visible_at, priority, attempt - 1, last_attempt, size, queue);
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
