-- What still waits in a partition whose time is past is carried forward, so
-- that a job delayed for a year holds nothing back.

-- Move what waits in a partition of ready to ready_late, which is never dropped:
-- each row is moved once in its life at most. Returns how many were moved, `most`
-- if there may be more. Locks: the rows, skipping locked ones.
create or replace function pgqueue.carry_ready(name text, most integer, before timestamptz default 'infinity')
returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_moved integer;
begin
    execute format(
        $move$
        with moved as (
            delete from only pgqueue.%1$I
            where ctid = any (
                array(
                    select ctid
                    from only pgqueue.%1$I
                    where slot < $1
                    limit $2
                    for update skip locked
                )
            )
            returning id, visible_at, priority, attempt, last_attempt, size, queue
        )
        insert into pgqueue.ready (id, slot, visible_at, priority, attempt, last_attempt, size, queue)
        select id, 'infinity', visible_at, priority, attempt, last_attempt, size, queue
        from moved
        $move$,
        name
    )
    using before, most;
    get diagnostics v_moved = row_count;
    return v_moved;
end
$$;

-- The jobs of bundles between these ids that have not ended: waiting, or held.
create or replace function pgqueue.unfinished(low bigint, high bigint)
returns setof bigint
language sql
stable
as $$
    select ready.id + number
    from pgqueue.ready
    cross join generate_series(0, ready.size - 1) as number
    where pgqueue.bundle_of(ready.id) between low and high
    union
    select held.job
    from pgqueue.held
    where pgqueue.bundle_of(held.job) between low and high
$$;

-- Copy the bodies of jobs that have not ended to jobs_kept. The partition is
-- locked against inserts, so the set can only shrink. Returns how many were
-- chosen, `most` if there may be more: one that a redrive kept meanwhile counts too.
create or replace function pgqueue.carry_bodies(name text, most integer)
returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_low bigint;
    v_high bigint;
    v_chosen integer;
begin
    execute format('select min(id), max(id) from only pgqueue.%I', name) into v_low, v_high;
    execute format(
        $copy$
        with chosen as materialized (
            select
                waiting.id, body.priority, body.max_attempts, body.keep_result, body.run_at, body.timeout, body.queue,
                body.task, body.payloads[pgqueue.place_of(waiting.id) + 1] as payload, body.headers
            from pgqueue.unfinished($1, $2) as waiting (id)
            join only pgqueue.%I as body on body.id = pgqueue.bundle_of(waiting.id)
            where not exists (
                select
                from pgqueue.jobs_kept as kept
                where kept.id = waiting.id
            )
            limit $3
        ),
        copied as (
            insert into pgqueue.jobs_kept
            select *
            from chosen
            on conflict do nothing
        )
        select count(*)
        from chosen
        $copy$,
        name
    )
    into v_chosen
    using v_low, v_high, most;
    return v_chosen;
end
$$;
