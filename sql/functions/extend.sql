-- Keep claims for `lease` longer, counted from now. Returns those still held,
-- with their new end; what is missing has lost its lease. Also returns which
-- of their jobs somebody asked to cancel.
-- Locks: the claims, for update of no key, skipping locked ones (they stand).
create or replace function pgqueue.extend(claims bigint[], lease interval)
returns table (claim bigint, expires_at timestamptz, cancelled bigint[])
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
begin
    if lease < interval '1 second' then
        perform pgqueue.refuse('PQ002', format('lease %s is under one second', lease));
    end if;
    return query
    update pgqueue.claims as held
    set expires_at = greatest(held.expires_at, pgqueue.now() + lease)
    where held.id = any (extend.claims)
    returning held.id, held.expires_at, array(
        select cancellations.job_id
        from pgqueue.cancellations
        where cancellations.job_id = any (held.jobs)
    );
end
$$;
