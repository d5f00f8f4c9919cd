-- The partitions whose time is past, oldest first: of ready and claims those
-- that ended a whole window ago, of the history those beyond the retention.
-- Whether anything still needs them, drop_window finds out.
create or replace function pgqueue.past_windows()
returns table (parent text, name text, low timestamptz, high timestamptz)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
    select bounded.parent, bounded.name, bounded.low, bounded.high
    from pgqueue.installation as settings
    cross join (
        select
            parent.relname::text as parent,
            leaf.relname::text as name,
            pgqueue.bound_of(leaf.oid, 'FROM') as low,
            pgqueue.bound_of(leaf.oid, 'TO') as high
        from pg_inherits
        join pg_class as parent on parent.oid = pg_inherits.inhparent
        join pg_class as leaf on leaf.oid = pg_inherits.inhrelid
        where parent.relnamespace = 'pgqueue'::regnamespace
            and parent.relkind = 'p'
    ) as bounded
    where bounded.high + case
            when bounded.parent in ('ready', 'claims') then settings.ready_window
            else settings.retention
        end < pgqueue.now()
    order by bounded.high, bounded.parent
$$;

-- One end of a partition's range as a moment, whatever its key is; null where
-- the range is open or the partition the default one.
create or replace function pgqueue.bound_of(leaf oid, side text)
returns timestamptz
language sql
stable
set search_path = pg_catalog, pg_temp
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
