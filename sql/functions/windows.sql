-- The partitioned tables: the column whose time orders them, how long a window
-- of theirs is, and how long one is kept once its time is over.
create or replace function pgqueue.partitioned()
returns table (parent text, key text, span interval, kept interval)
language sql
stable
as $$
    select relation.*
    from pgqueue.installation as settings
    cross join lateral (
        values
            ('jobs', 'id', settings.history_window, settings.retention),
            ('outcomes', 'claim_id', settings.history_window, settings.retention),
            ('progress', 'job_id', settings.history_window, settings.retention),
            ('ready', 'slot', settings.ready_window, settings.ready_window),
            ('claims', 'id', settings.ready_window, settings.ready_window)
    ) as relation (parent, key, span, kept)
$$;

-- Every window there is. Bounds are spelled and read back under one time zone
-- and style of dates, whatever the session's are.
-- Locks: each partition for a moment, as PostgreSQL spells its bounds (55P03).
create or replace function pgqueue.windows()
returns table (parent text, name text, low timestamptz, high timestamptz)
language sql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO'
set jit = off
as $$
    -- Materialized: else bounds are read of every relation there is.
    with leaves as materialized (
        select leaf.oid, parent.relname::text as parent, leaf.relname::text as name
        from pg_class as parent
        join pg_inherits on pg_inherits.inhparent = parent.oid
        join pg_class as leaf on leaf.oid = pg_inherits.inhrelid
        where parent.relnamespace = 'pgqueue'::regnamespace
            and parent.relkind = 'p'
    ),
    bounded as materialized (
        select leaves.*, pgqueue.bound_of(leaves.oid, 'FROM') as low, pgqueue.bound_of(leaves.oid, 'TO') as high
        from leaves
    )
    select bounded.parent, bounded.name, bounded.low, bounded.high
    from bounded
    where bounded.low is not null
        and bounded.high is not null
$$;

-- One end of a partition's range as a moment, whatever its key is; null where
-- the range is open or the partition the default one.
-- In UTC: where a session writes moments as its country does, `IST` is India's
-- time when written and Israel's when read.
create or replace function pgqueue.bound_of(leaf oid, side text)
returns timestamptz
language sql
stable
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO'
set timezone = 'UTC'
set standard_conforming_strings = on
as $$
    select case
        when bound ~ '^\d+$' then pgqueue.moment_of(bound::bigint)
        when bound <> 'infinity' then bound::timestamptz
    end
    from pg_class
    cross join lateral (
        select substring(pg_get_expr(relpartbound, oid) from side || ' \(''([^'']+)''\)') as bound
    ) as spelled
    where oid = leaf
$$;

-- The windows whose time is past, oldest first: of ready and claims those that
-- ended a whole window ago, of the history those beyond the retention. Whether
-- anything still needs them, drop_window finds out.
create or replace function pgqueue.passed()
returns table (parent text, name text, low timestamptz, high timestamptz)
language sql
stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
    select there.parent, there.name, there.low, there.high
    from pgqueue.windows() as there
    join pgqueue.partitioned() as relation on relation.parent = there.parent
    where there.high < pgqueue.now() - relation.kept
    order by there.high, there.parent
$$;

-- The same for one who wants to drop them; none while somebody else keeps house
-- or holds one of them.
create or replace function pgqueue.past_windows()
returns table (parent text, name text, low timestamptz, high timestamptz)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '50ms'
as $$
begin
    if pgqueue.is_our_turn() then
        return query
        select *
        from pgqueue.passed();
    end if;
exception
    when lock_not_available then
        return;
end
$$;

-- What no window covers between now and `ahead` windows from now, earliest
-- first: on the grid of the present length, less what is there, so that windows
-- of another length leave no gap and overlap none.
create or replace function pgqueue.missing_windows(ahead integer default 2)
returns table (parent text, low timestamptz, high timestamptz)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set jit = off
as $$
    select wanted.parent, lower(piece), upper(piece)
    from (
        select relation.parent, tstzrange(low, low + relation.span) as bounds
        from pgqueue.partitioned() as relation
        cross join pgqueue.now() as moment
        cross join generate_series(0, ahead) as step
        cross join lateral (
            select date_bin(relation.span, moment, '2024-01-01 00:00:00+00') + step * relation.span as low
        ) as grid
    ) as wanted
    left join (
        select windows.parent, range_agg(tstzrange(windows.low, windows.high)) as bounds
        from pgqueue.windows()
        group by windows.parent
    ) as there on there.parent = wanted.parent
    cross join lateral unnest(tstzmultirange(wanted.bounds) - coalesce(there.bounds, '{}')) as piece
    where upper(piece) > pgqueue.now()
    order by lower(piece), wanted.parent
$$;
