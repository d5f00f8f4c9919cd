-- Partitions are made as plain tables and then attached: the parent stays open
-- to everybody. Only the default partition, nearly always empty, is closed for
-- that moment, and we give up rather than stand in line for it: whoever comes
-- after us would stand behind us. The next call tries again, in good time.

-- One partition of `parent`, with the bounds as PostgreSQL spells them; none
-- where the default partition holds rows of that window already (it was missing
-- when they came), or where it overlaps one made under another window's length.
-- Append-only ones are dropped before vacuum would find work in them; ready's
-- carry the unique index that the parent, for want of the slot in it, cannot.
create or replace function pgqueue.make_partition(parent text, suffix text, bounds text)
returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set lock_timeout = '200ms'
as $$
declare
    v_name text := parent || '_' || suffix;
begin
    if to_regclass(format('pgqueue.%I', v_name)) is not null then
        return 0;
    end if;
    execute format('create table pgqueue.%I (like pgqueue.%I including all)', v_name, parent);
    if parent = 'ready' then
        execute format(
            'create unique index %I on pgqueue.%I (queue, priority, visible_at, id)', v_name || '_line', v_name
        );
        execute format('alter table pgqueue.%I replica identity using index %I', v_name, v_name || '_line');
    elsif parent <> 'claims' then
        execute format('alter table pgqueue.%I set (autovacuum_vacuum_insert_threshold = -1)', v_name);
    end if;
    execute format('alter table pgqueue.%I attach partition pgqueue.%I %s', parent, v_name, bounds);
    return 1;
exception
    when check_violation or invalid_object_definition then
        return 0;
end
$$;

-- One partition of `parent` for the window that begins at `low`.
create or replace function pgqueue.make_window(parent text, low timestamptz, high timestamptz)
returns integer
language sql
volatile
as $$
    select pgqueue.make_partition(
        parent,
        to_char(low at time zone 'UTC', 'YYYYMMDD_HH24MISS'),
        case parent
            when 'ready' then format('for values from (%L) to (%L)', low, high)
            else format('for values from (%s) to (%s)', pgqueue.first_id(low), pgqueue.first_id(high))
        end
    )
$$;

-- Make what is missing: the windows from now to `ahead` windows from now, and
-- the default partitions, thanks to which an enqueue never fails for want of a
-- window. Returns how many were made; none while somebody else is making them.
-- Locks: waits a fifth of a second at most for a default partition (55P03).
create or replace function pgqueue.make_partitions(ahead integer default 2)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if not pg_try_advisory_xact_lock(hashtextextended('pgqueue', 6)) then
        return 0;
    end if;
    return (
        select coalesce(sum(made), 0)
        from (
            select pgqueue.make_partition(parent, 'default', 'default') as made
            from unnest(array['jobs', 'ready', 'claims', 'outcomes', 'progress']) as parent
            union all
            select pgqueue.make_partition('ready', 'late', 'for values from (''infinity'') to (maxvalue)')
            union all
            select pgqueue.make_window(relation.parent, bounds.low, bounds.low + relation.span)
            from pgqueue.installation
            cross join lateral (
                values
                    ('jobs', history_window),
                    ('outcomes', history_window),
                    ('progress', history_window),
                    ('ready', ready_window),
                    ('claims', ready_window)
            ) as relation (parent, span)
            cross join lateral (
                select date_bin(relation.span, pgqueue.now(), '2024-01-01 00:00:00+00') + step * relation.span as low
                from generate_series(0, ahead) as step
            ) as bounds
        ) as made
    );
end
$$;
