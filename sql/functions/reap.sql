-- claims -> ready, outcomes or dead_letters: what a lost worker held. Takes
-- claims that expired within the last `reach` (ever, without it), the longest
-- expired first, and those of the workers in `dead` that are gone still; a job
-- completed meanwhile is left as it is. Returns how many jobs it took back; what
-- is over `max_claims` or some thousands of jobs is left for the next call. Both
-- are ranges of the index: what died unvacuumed lies before them.
-- Locks: the claims, for update, skipping locked ones; the dead workers' locks.
create or replace function pgqueue.reap(
    reach interval default null,
    dead bigint[] default '{}',
    max_claims integer default 100
)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set jit = off
as $$
declare
    v_now timestamptz := pgqueue.now();
    v_most_jobs constant integer := 5000;
    v_gone bigint[] := pgqueue.still_gone(dead);
    v_claims bigint[];
    v_jobs bigint[];
    v_empty bigint[];
begin
    with expired as materialized (
        select held.id, held
        from pgqueue.claims as held
        where held.expires_at >= coalesce(v_now - reach, '-infinity')
            and held.expires_at < v_now
        order by held.expires_at
        limit max_claims
        for update skip locked
    ),
    orphaned as materialized (
        select held.id, held
        from pgqueue.claims as held
        where cardinality(v_gone) > 0
            and held.expires_at >= v_now
            and held.worker = any (v_gone)
        order by held.expires_at
        limit max_claims
        for update skip locked
    ),
    found as (
        select * from expired
        union all
        select * from orphaned
    ),
    taken as (
        select
            found.id, found.held,
            sum(pgqueue.size_of(found.held)) over (order by found.id) - pgqueue.size_of(found.held) as jobs_before
        from found
    )
    select
        array_agg(taken.id) filter (where entry.job is not null),
        array_agg(entry.job) filter (where entry.job is not null),
        array_agg(taken.id) filter (where entry.job is null)
    into v_claims, v_jobs, v_empty
    from taken
    left join lateral pgqueue.entries(taken.held) as entry on true
    where taken.jobs_before < v_most_jobs;

    if v_empty is not null then -- what a report left behind, see release
        delete from pgqueue.claims as held
        where held.id = any (v_empty);
    end if;

    if v_jobs is null then
        return 0;
    end if;
    perform pgqueue.finish(
        claims => v_claims,
        jobs => v_jobs,
        states => '{expired}',
        errors => array[jsonb_build_object(
            'type', 'LeaseExpired', 'message', 'its worker stopped answering', 'traceback', null
        )]
    );
    return cardinality(v_jobs);
end
$$;

-- Those of the dead whose session is gone still: whoever found them missing may
-- have been frozen since. They cannot come back before this transaction ends.
create or replace function pgqueue.still_gone(dead bigint[])
returns bigint[]
language sql
volatile
as $$
    select coalesce(array_agg(worker), '{}')
    from unnest(still_gone.dead) as worker
    where pg_try_advisory_xact_lock(pgqueue.worker_key(worker))
$$;
