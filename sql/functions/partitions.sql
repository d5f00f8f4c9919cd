-- Partitions are made as plain tables and then attached: the parent stays open
-- to everybody. Only the default partition, nearly always empty, is closed for
-- that moment, and we give up rather than stand in line for it: whoever comes
-- after us would stand behind us. The next call tries again, in good time.

-- One round of maintenance at a time: another's turn is not waited for. To the
-- end of the transaction.
create or replace function pgqueue.is_our_turn()
returns boolean
language sql
volatile
as $$
    select pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('pgqueue', 6))
$$;

-- The same for what clears rows away. That looks, locks, and looks again: under
-- another isolation level the second look would not see what came meanwhile.
create or replace function pgqueue.may_clear()
returns boolean
language plpgsql
volatile
as $$
begin
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        perform pgqueue.refuse(
            'PQ006',
            format('maintenance in a transaction that is %s', current_setting('transaction_isolation')),
            'It needs read committed: set default_transaction_isolation so for this session or role.'
        );
    end if;
    return pgqueue.is_our_turn();
end
$$;

-- One partition of `parent`, with the bounds as PostgreSQL spells them. Returns
-- 'made', 'there' (it is, or one that overlaps) or 'locked': try again later.
-- Append-only ones are dropped before vacuum would find work in them; bundles of jobs
-- stay in one piece in half a page; ready's carry the unique index that the parent, for
-- want of the slot in it, cannot.
-- Locks: the parent against other changes of its partitions, then its default
-- partition, each waited for a tenth of a second at most.
create or replace function pgqueue.make_partition(parent text, suffix text, bounds text)
returns text
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
declare
    v_name text := parent || '_' || suffix;
begin
    if to_regclass(format('pgqueue.%I', v_name)) is not null then
        return 'there';
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
    if parent = 'jobs' then
        execute format('alter table pgqueue.%I set (toast_tuple_target = 4080)', v_name);
    end if;
    execute format('alter table pgqueue.%I attach partition pgqueue.%I %s', parent, v_name, bounds);
    return 'made';
exception
    when invalid_object_definition then
        return 'there';
    when lock_not_available or check_violation then
        return 'locked'; -- check_violation: a row of that window came into the default partition just now
end
$$;

-- Nobody has a row on its way into `parent`, and nobody will before we commit.
create or replace function pgqueue.is_quiet(parent text)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
begin
    execute format('lock table only pgqueue.%I in access exclusive mode', parent);
    return true;
exception
    when lock_not_available then
        return false;
end
$$;

-- How long it takes to read a table through, on a slow disk: 50 MB a second.
create or replace function pgqueue.reading_time(name text)
returns interval
language sql
volatile
as $$
    select make_interval(secs => pg_catalog.pg_relation_size(format('pgqueue.%I', name)::regclass) / 50e6)
$$;

-- A window of `parent`, as much of it as can be had: where the default partition
-- holds rows of it (it was missing when they came), what begins just after them.
-- They leave by empty_default. A row on its way to the default partition would be
-- refused there once its window is attached, and the enqueue would fail: so a
-- window begins some seconds from now, unless the table is quiet. Attaching reads
-- the default partition through, with whoever has a row for it waiting: the fuller
-- it is, the later the window begins, and the table is held for no more than a moment.
create or replace function pgqueue.make_window(parent text, low timestamptz, high timestamptz)
returns text
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO'
as $$
declare
    v_key text := (select relation.key from pgqueue.partitioned() as relation where relation.parent = make_window.parent);
    v_reading interval := pgqueue.reading_time(parent || '_default');
    v_soon timestamptz := date_trunc('second', pgqueue.now() + v_reading) + interval '6 seconds';
    v_last timestamptz;
begin
    execute format(
        case parent
            when 'ready' then 'select max(%1$I) from only pgqueue.%2$I where %1$I >= %3$L and %1$I < %4$L'
            else 'select pgqueue.moment_of(max(%1$I)) from only pgqueue.%2$I'
                ' where %1$I >= pgqueue.first_id(%3$L) and %1$I < pgqueue.first_id(%4$L)'
        end,
        v_key, parent || '_default', low, high
    )
    into v_last;
    if v_last is not null then
        low := date_trunc('second', v_last) + interval '1 second';
    end if;
    if low < v_soon and (v_reading > interval '0.1 seconds' or not pgqueue.is_quiet(parent)) then
        low := v_soon;
    end if;
    if low >= high then
        return 'there';
    end if;
    return pgqueue.make_partition(
        parent,
        to_char(low, 'YYYYMMDD_HH24MISS'),
        'for values from ' || case parent
            when 'ready' then format('(%L) to (%L)', low, high)
            else format('(%s) to (%s)', pgqueue.first_id(low), pgqueue.first_id(high))
        end
    );
end
$$;

-- Make one partition that `parent` lacks: its default one, thanks to which an
-- enqueue never fails for want of a window, then a window between now and
-- `ahead` windows from now. Returns 'made' (call again), 'there' (nothing is
-- missing) or 'locked' (try again later; also while somebody else keeps house).
create or replace function pgqueue.make_ahead(parent text, ahead integer default 2)
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
declare
    v_missing record;
    v_fate text := 'there';
begin
    if not exists (select from pgqueue.partitioned() as relation where relation.parent = make_ahead.parent) then
        perform pgqueue.refuse('PQ002', format('table %s has no partitions of ours', coalesce(quote_literal(parent), 'null')));
    end if;
    if not pgqueue.is_our_turn() then
        return 'locked';
    end if;
    v_fate := pgqueue.make_partition(parent, 'default', 'default');
    if parent = 'ready' and v_fate = 'there' then
        v_fate := pgqueue.make_partition(parent, 'late', 'for values from (''infinity'') to (maxvalue)');
    end if;
    for v_missing in
        select missing.low, missing.high
        from pgqueue.missing_windows(ahead) as missing
        where missing.parent = make_ahead.parent
    loop
        exit when v_fate <> 'there';
        v_fate := pgqueue.make_window(parent, v_missing.low, v_missing.high);
    end loop;
    return v_fate;
exception
    when lock_not_available then
        return 'locked';
end
$$;

-- Make all that is missing, in one transaction: for an installation, and for
-- whoever has nobody at work. Returns how many were made; what is locked is
-- left for the next time.
create or replace function pgqueue.make_partitions(ahead integer default 2)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_parent text;
    v_made integer := 0;
begin
    for v_parent in
        select relation.parent
        from pgqueue.partitioned() as relation
    loop
        while pgqueue.make_ahead(v_parent, ahead) = 'made' loop
            v_made := v_made + 1;
        end loop;
    end loop;
    return v_made;
end
$$;
