-- Get rid of a partition whose time is past. What still waits in it is carried
-- forward first: rows of ready go to ready_late, bodies of unfinished jobs to
-- jobs_kept, so one job delayed for a year holds nothing back. A claim still
-- held, or a backlog too large to carry, keeps its partition for now.
-- Returns 'dropped', 'emptied' (its space is freed, but somebody's open
-- transaction kept it from being dropped), 'needed' or 'locked': try again later.
-- Locks: the partition, then its parent, each waited for a twentieth of a
-- second at most, for whoever comes after us would stand behind us.
create or replace function pgqueue.drop_window(parent text, name text, carry integer default 10000)
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set lock_timeout = '50ms'
as $$
begin
    if not exists (select from pgqueue.past_windows() as past where past.name = drop_window.name) then
        return 'needed';
    end if;
    if parent = 'ready' then
        perform pgqueue.carry_ready(name, carry);
    elsif parent = 'jobs' then
        execute format('lock table only pgqueue.%I in share mode', name);
        perform pgqueue.carry_bodies(name);
    end if;
    return pgqueue.drop_partition(parent, name);
exception
    when lock_not_available then
        return 'locked';
end
$$;

-- Drop a partition that nothing needs: of ready and claims an empty one.
create or replace function pgqueue.drop_partition(parent text, name text)
returns text
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_must_be_empty boolean := parent in ('ready', 'claims');
    v_is_needed boolean := false;
begin
    begin
        execute format('lock table only pgqueue.%I in access exclusive mode', parent);
        execute format('lock table only pgqueue.%I in access exclusive mode', name);
        if v_must_be_empty then
            execute format('select exists (select from only pgqueue.%I)', name) into v_is_needed;
        end if;
        if not v_is_needed then
            execute format('drop table pgqueue.%I', name);
        end if;
        return case when v_is_needed then 'needed' else 'dropped' end;
    exception
        when lock_not_available then
            null; -- somebody's transaction holds the parent: free the space at least
    end;
    execute format('lock table only pgqueue.%I in access exclusive mode', name);
    if v_must_be_empty then
        execute format('select exists (select from only pgqueue.%I)', name) into v_is_needed;
    end if;
    if not v_is_needed then
        execute format('truncate only pgqueue.%I', name);
    end if;
    return case when v_is_needed then 'needed' else 'emptied' end;
end
$$;

-- Move what still waits in a passed window of ready to ready_late, which is
-- never dropped: each row is moved once in its life at most.
create or replace function pgqueue.carry_ready(name text, most integer)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    execute format(
        $move$
        with moved as (
            delete from only pgqueue.%1$I
            where ctid = any (array(select ctid from only pgqueue.%1$I limit %2$s for update skip locked))
            returning id, visible_at, priority, attempt, last_attempt, queue
        )
        insert into pgqueue.ready (id, slot, visible_at, priority, attempt, last_attempt, queue)
        select id, 'infinity', visible_at, priority, attempt, last_attempt, queue
        from moved
        $move$,
        name,
        most
    );
end
$$;

-- Copy the bodies of jobs that have not ended to jobs_kept. The partition is
-- locked against inserts, so the set can only shrink.
create or replace function pgqueue.carry_bodies(name text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_low bigint;
    v_high bigint;
begin
    execute format('select min(id), max(id) from only pgqueue.%I', name) into v_low, v_high;
    execute format(
        $copy$
        insert into pgqueue.jobs_kept
        select body.*
        from (
            select ready.id
            from pgqueue.ready
            where ready.id between $1 and $2
            union
            select entry.job
            from pgqueue.claims
            cross join lateral unnest(claims.jobs) as entry (job)
            where entry.job between $1 and $2
        ) as waiting
        join only pgqueue.%I as body using (id)
        on conflict do nothing
        $copy$,
        name
    )
    using v_low, v_high;
end
$$;
