-- Get rid of a window whose time is past, in a short transaction of its own.
-- What still waits in it is carried forward first: rows of ready to ready_late,
-- bodies of unfinished jobs to jobs_kept, claims still held to the default
-- partition. The receipts of claims still held keep their window.
-- `parent_is_busy`: somebody was found to hold the parent just now: only empty it.
-- Returns 'dropped', 'carried' (there is more to carry: call again), 'emptied'
-- (its space is freed; somebody's transaction kept it from being dropped),
-- 'needed' or 'locked': try again later.
-- Locks: the parent, then the window, each waited for a twentieth of a second
-- at most, for whoever comes after us would stand behind us.
create or replace function pgqueue.drop_window(
    parent text,
    name text,
    carry integer default 10000,
    parent_is_busy boolean default false
)
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set jit = off
set lock_timeout = '50ms'
as $$
declare
    v_past record;
begin
    if not pgqueue.may_clear() then
        return 'locked';
    end if;
    select past.low, past.high
    into v_past
    from pgqueue.passed() as past
    where past.parent = drop_window.parent
        and past.name = drop_window.name;
    if not found then
        return 'needed';
    end if;
    if parent = 'ready' and pgqueue.carry_ready(name, carry) = carry then
        return 'carried';
    elsif parent = 'jobs' then
        execute format('lock table only pgqueue.%I in share mode', name);
        if pgqueue.carry_bodies(name, carry) = carry then
            return 'carried';
        end if;
    end if;
    return coalesce(
        case when not parent_is_busy then pgqueue.drop_partition(parent, name, v_past.low, v_past.high) end,
        pgqueue.empty_partition(parent, name, v_past.low, v_past.high)
    );
exception
    when lock_not_available then
        return 'locked';
end
$$;

-- Whether something still needs a window: of ready a row, of the outcomes a
-- claim whose receipts they are, of the claims more of them than we would move.
-- The window is locked: nothing new comes into it.
create or replace function pgqueue.is_needed(parent text, name text, low timestamptz, high timestamptz)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_is_needed boolean := false;
begin
    if parent = 'ready' then
        execute format('select exists (select from only pgqueue.%I)', name) into v_is_needed;
    elsif parent = 'claims' then
        execute format('select count(*) > 1000 from only pgqueue.%I', name) into v_is_needed;
    elsif parent = 'outcomes' then
        v_is_needed := exists (
            select
            from pgqueue.claims
            where claims.id >= pgqueue.first_id(low)
                and claims.id < pgqueue.first_id(high)
        );
    end if;
    return v_is_needed;
end
$$;

-- Drop a window nothing needs; null where it cannot be locked.
create or replace function pgqueue.drop_partition(parent text, name text, low timestamptz, high timestamptz)
returns text
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
begin
    execute format('lock table only pgqueue.%I in access exclusive mode', parent);
    execute format('lock table only pgqueue.%I in access exclusive mode', name);
    if pgqueue.is_needed(parent, name, low, high) then
        return 'needed';
    end if;
    if parent = 'claims' then
        -- Detached first: until then the rows would be sent back to where they are.
        execute format('alter table pgqueue.claims detach partition pgqueue.%I', name);
        execute format('insert into pgqueue.claims select * from pgqueue.%I where jobs <> ''{}''', name);
    end if;
    execute format('drop table pgqueue.%I', name);
    return 'dropped';
exception
    when lock_not_available then
        return null;
end
$$;

-- Free a window's space at least: somebody's transaction holds the parent.
create or replace function pgqueue.empty_partition(parent text, name text, low timestamptz, high timestamptz)
returns text
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $$
declare
    v_is_empty boolean;
begin
    if pg_relation_size(format('pgqueue.%I', name)::regclass) = 0 then
        return 'emptied'; -- by an earlier round: locking it again would only disturb
    end if;
    execute format('lock table only pgqueue.%I in access exclusive mode', name);
    execute format('select not exists (select from only pgqueue.%I)', name) into v_is_empty;
    if pgqueue.is_needed(parent, name, low, high) or (parent = 'claims' and not v_is_empty) then
        return 'needed';
    end if;
    execute format('truncate only pgqueue.%I', name);
    return 'emptied';
exception
    when lock_not_available then
        return 'locked';
end
$$;
