-- claims -> outcomes: every job the claims still hold has succeeded. Returns
-- the claims that were there; one that was not has lost its lease. `run_seconds`
-- holds the jobs of the first claim, in its order, then those of the second;
-- `offsets` how many stand before each claim's first.
create or replace function pgqueue.finish_all(
    claims bigint[],
    offsets integer[] default null,
    run_seconds real[] default null
)
returns setof bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    v_now timestamptz := pgqueue.now();
    v_claim bigint;
    v_held pgqueue.claims;
begin
    for v_number in 1 .. cardinality(claims) loop
        delete from pgqueue.claims as held
        where held.id = finish_all.claims[v_number]
        returning *
        into v_held;
        continue when not found;

        insert into pgqueue.outcomes
            (job_id, claimed_at, finished_at, worker, run_seconds, attempt, state)
        select
            entry.job, v_held.claimed_at, v_now, v_held.worker,
            finish_all.run_seconds[offsets[v_number] + entry.place], entry.attempt, 'succeeded'
        from unnest(v_held.jobs, v_held.attempts) with ordinality as entry (job, attempt, place)
        on conflict do nothing;
        return next v_held.id;
    end loop;
end
$$;
