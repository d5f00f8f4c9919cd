-- Rows came into a default partition because no window was there for them. They
-- leave it like a passed window's: what waits of ready goes to ready_late, bodies
-- of unfinished jobs to jobs_kept, history beyond its retention is deleted; and
-- once nothing is left its space is freed, dead rows and all. At most `most` rows
-- at a time; returns how many left.
-- Locks: the rows; the partition itself only when it is empty, and not waited
-- for longer than a twentieth of a second.
create or replace function pgqueue.empty_default(parent text, most integer default 10000)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set lock_timeout = '50ms'
as $$
declare
    v_name text := parent || '_default';
    v_before timestamptz := (
        select pgqueue.now() - relation.kept
        from pgqueue.partitioned() as relation
        where relation.parent = empty_default.parent
    );
    v_left integer := 0;
begin
    if v_before is null
        or not pgqueue.may_clear()
        or pg_relation_size(format('pgqueue.%I', v_name)::regclass) = 0
    then
        return 0;
    end if;
    v_left := case parent
        when 'ready' then pgqueue.carry_ready(v_name, most, v_before)
        when 'jobs' then pgqueue.clear_bodies(pgqueue.first_id(v_before), most)
        when 'outcomes' then pgqueue.clear_outcomes(v_before, most)
        when 'progress' then pgqueue.clear_progress(v_before, most)
        else 0
    end;
    if v_left < most then
        perform pgqueue.free_space(v_name);
    end if;
    return v_left;
exception
    when lock_not_available then
        return 0;
end
$$;

-- The oldest bodies in jobs_default: kept where their job has not ended, deleted
-- here. Named one by one: what commits meanwhile is not among them.
create or replace function pgqueue.clear_bodies(before bigint, most integer)
returns integer
language plpgsql
volatile
as $$
declare
    v_old bigint[] := array(
        select old.id
        from pgqueue.jobs_default as old
        where old.id < before
        order by old.id
        limit most
    );
begin
    insert into pgqueue.jobs_kept
    select
        waiting.id, body.priority, body.max_attempts, body.keep_result, body.run_at, body.timeout, body.queue,
        body.task, body.payloads[pgqueue.place_of(waiting.id) + 1], body.headers
    from pgqueue.unfinished(v_old[1], v_old[cardinality(v_old)]) as waiting (id)
    join pgqueue.jobs_default as body on body.id = pgqueue.bundle_of(waiting.id)
    where body.id = any (v_old)
    on conflict do nothing;
    delete from pgqueue.jobs_default
    where id = any (v_old);
    return cardinality(v_old);
end
$$;

-- Not the receipts of claims still held.
create or replace function pgqueue.clear_outcomes(before timestamptz, most integer)
returns integer
language plpgsql
volatile
as $$
declare
    v_deleted integer;
begin
    delete from pgqueue.outcomes_default
    where ctid = any (
        array(
            select old.ctid
            from pgqueue.outcomes_default as old
            where old.finished_at < before
                and not exists (
                    select
                    from pgqueue.claims
                    where claims.id = old.claim_id
                )
            limit most
        )
    );
    get diagnostics v_deleted = row_count;
    return v_deleted;
end
$$;

create or replace function pgqueue.clear_progress(before timestamptz, most integer)
returns integer
language plpgsql
volatile
as $$
declare
    v_deleted integer;
begin
    delete from pgqueue.progress_default
    where ctid = any (array(select ctid from pgqueue.progress_default where reported_at < before limit most));
    get diagnostics v_deleted = row_count;
    return v_deleted;
end
$$;

-- Dead rows are vacuum's to clear, which cannot while a long transaction is
-- open; a truncation can, once no row is alive.
create or replace function pgqueue.free_space(name text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_is_empty boolean;
begin
    execute format('select not exists (select from only pgqueue.%I)', name) into v_is_empty;
    if not v_is_empty then
        return;
    end if;
    execute format('lock table only pgqueue.%I in access exclusive mode', name);
    execute format('select not exists (select from only pgqueue.%I)', name) into v_is_empty;
    if v_is_empty then
        execute format('truncate only pgqueue.%I', name);
    end if;
exception
    when lock_not_available then
        null; -- in use: the next round comes by
end
$$;
