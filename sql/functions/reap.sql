-- claims -> ready, outcomes or dead_letters: what a lost worker held. Takes
-- claims that expired within the last `reach` (ever, without it) and those of
-- the workers in `dead`; a job completed meanwhile is left as it is. Returns how
-- many jobs it took back. Both are ranges of the index: what died unvacuumed lies
-- before them. Locks: the claims, for update, skipping locked ones.
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
    v_claims bigint[];
    v_jobs bigint[];
    v_empty bigint[];
begin
    with expired as materialized (
        select held.id, held.jobs
        from pgqueue.claims as held
        where held.expires_at >= coalesce(v_now - reach, '-infinity')
            and held.expires_at < v_now
        order by held.expires_at
        limit max_claims
        for update skip locked
    ),
    orphaned as materialized (
        select held.id, held.jobs
        from pgqueue.claims as held
        where cardinality(dead) > 0
            and held.expires_at >= v_now
            and held.worker = any (dead)
        order by held.expires_at
        limit max_claims
        for update skip locked
    ),
    taken as (
        select id, jobs from expired
        union
        select id, jobs from orphaned
    )
    select
        array_agg(taken.id) filter (where entry.job is not null),
        array_agg(entry.job) filter (where entry.job is not null),
        array_agg(taken.id) filter (where entry.job is null)
    into v_claims, v_jobs, v_empty
    from taken
    left join lateral unnest(taken.jobs) as entry (job) on true;

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
