-- ready -> ready: jobs that were put off are due now. Returns those that were;
-- what waits already, runs or has ended is left alone, and so is what a claim is
-- taking at this moment. Locks: rows of ready, skipping locked ones; the bell of
-- each queue, shared, to the end of the transaction.
create or replace function pgqueue.run_now(jobs bigint[])
returns setof bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
    select pgqueue.move(jobs, null)
$$;

-- ready -> ready: waiting and scheduled jobs get another priority (0 to 9), for
-- retries too. A job that is due joins the end of its new line, as if it came now:
-- where it belongs by its age, nobody would look. Returns those that were moved.
-- Locks: as run_now. Raises PQ002 (a priority out of bounds).
create or replace function pgqueue.reprioritise(jobs bigint[], priority integer)
returns setof bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if (priority between 0 and 9) is not true then
        perform pgqueue.refuse(
            'PQ002', format('priority %s is not 0 (most urgent) to 9', coalesce(priority::text, 'null'))
        );
    end if;
    return query
    select pgqueue.move(jobs, priority::smallint);
end
$$;

-- To another priority, or without one, to now. A row is deleted and written anew,
-- for its place in the index and its partition are another; what was changed is
-- kept in revisions, from which the job's state is told and its retries are made.
create or replace function pgqueue.move(jobs bigint[], priority smallint)
returns setof bigint
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_now timestamptz := pgqueue.now();
    v_window interval := (select ready_window from pgqueue.installation);
    v_job record;
    v_old record;
    v_visible_at timestamptz;
begin
    for v_job in
        select told.id, told.queue, told.priority, told.run_at
        from pgqueue.states_of(jobs) as told
        where told.state in ('waiting', 'scheduled')
    loop
        select *
        into v_old
        from pgqueue.lock_ready(
            v_job.id, v_job.queue, v_job.priority, greatest(v_job.run_at, pgqueue.moment_of(v_job.id))
        );
        continue when not found;
        -- Moved or not: while its row was locked, a claim passed by all the jobs in it.
        perform pgqueue.announce(v_job.queue, true);
        continue when move.priority is null and v_old.visible_at <= v_now
            or move.priority = v_old.line;
        v_visible_at := case when move.priority is null then v_now else greatest(v_old.visible_at, v_now) end;
        perform pgqueue.cut_out(v_job.id, v_old.leaf, v_old.place, v_old.slot);
        insert into pgqueue.ready
            (id, slot, visible_at, priority, attempt, last_attempt, size, queue)
        values (
            v_job.id, pgqueue.slot(v_now, v_visible_at, v_window), v_visible_at,
            -- one that runs apart goes on to
            case when v_old.line = 10 then 10 else coalesce(move.priority, v_old.line) end,
            v_old.attempt, v_old.last_attempt, 1, v_job.queue
        );
        insert into pgqueue.revisions as earlier (job_id, hurried_at, priority)
        values (v_job.id, case when move.priority is null then v_now end, move.priority)
        on conflict (job_id) do update
        set
            hurried_at = coalesce(excluded.hurried_at, earlier.hurried_at),
            priority = coalesce(excluded.priority, earlier.priority);
        return next v_job.id;
    end loop;
end
$$;

-- Take one job out of its row of ready, which the caller has locked; those before and
-- after it that share the row stay where they are, in rows of their own.
create or replace function pgqueue.cut_out(job bigint, leaf oid, place tid, slot timestamptz)
returns void
language sql
volatile
as $$
    with gone as (
        delete from pgqueue.ready
        where ready.slot = cut_out.slot
            and ready.tableoid = cut_out.leaf
            and ready.ctid = cut_out.place
        returning ready.*
    )
    insert into pgqueue.ready
        (id, slot, visible_at, priority, attempt, last_attempt, size, queue)
    select
        part.id, gone.slot, gone.visible_at, gone.priority, gone.attempt, gone.last_attempt, part.size, gone.queue
    from gone
    cross join lateral (
        values
            (gone.id, cut_out.job - gone.id),
            (cut_out.job + 1, gone.id + gone.size - cut_out.job - 1)
    ) as part (id, size)
    where part.size > 0
$$;

-- A job's row of ready, locked; no row where it is none, or somebody else's just
-- now. There is no index by id: it is looked for among those due when it should
-- be, give or take what a retry's transaction took, then among all due later, as
-- one that was handed back is. However many are due in that millisecond are read.
create or replace function pgqueue.lock_ready(job bigint, queue text, priority smallint, due timestamptz)
returns table (
    leaf oid,
    place tid,
    slot timestamptz,
    visible_at timestamptz,
    line smallint,
    attempt smallint,
    last_attempt smallint
)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    v_until timestamptz;
begin
    foreach v_until in array array[due + interval '1 millisecond', due + interval '10 seconds', 'infinity'] loop
        return query
        select found.*
        from unnest(array[lock_ready.priority, 10::smallint]) as line (priority)
        cross join lateral (
            select
                ready.tableoid, ready.ctid, ready.slot, ready.visible_at, ready.priority, ready.attempt,
                ready.last_attempt
            from pgqueue.ready
            where ready.queue = lock_ready.queue
                and ready.priority = line.priority
                and ready.visible_at between due - interval '1 millisecond' and v_until
                and ready.id between pgqueue.bundle_of(lock_ready.job) and lock_ready.job
                and ready.id + ready.size > lock_ready.job
            limit 1
            for update skip locked
        ) as found;
        exit when found;
    end loop;
end
$$;
