-- Keep claims for `lease` longer, counted from now. Returns those still held,
-- with their new end; what is missing has lost its lease. Also returns which
-- of their jobs somebody asked to cancel. A lease never gets shorter.
-- Locks: the claims, for no key update, in the order of their ids.
-- Raises PQ002 (a lease under one second).
create or replace function pgqueue.extend(claims bigint[], lease interval)
returns table (claim bigint, expires_at timestamptz, cancelled bigint[])
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set jit = off
as $$
begin
    if lease is null or lease < interval '1 second' then
        perform pgqueue.refuse('PQ002', format('lease %s is under one second', coalesce(lease::text, 'null')));
    end if;
    -- In one order, whoever holds others of them. Apart from the update: joined to it, they would be
    -- looked for in a walk over all claims, dead ones too, where statistics say that there are few.
    perform
    from pgqueue.claims as held
    where held.id = any (extend.claims)
    order by held.id
    for no key update;

    return query
    update pgqueue.claims as held
    set expires_at = greatest(held.expires_at, pgqueue.now() + lease)
    where held.id = any (extend.claims)
    returning held.id, held.expires_at, array(
        select cancellations.job_id
        from pgqueue.entries(held) as entry
        join pgqueue.cancellations on cancellations.job_id = entry.job
    );
end
$$;
