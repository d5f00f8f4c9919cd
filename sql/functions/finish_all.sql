-- claims -> outcomes: every job the claims still hold has succeeded. Returns
-- the claims that were there; one that was not has lost its lease. `run_seconds`
-- holds the jobs of the first claim, in its order, then those of the second;
-- `offsets` how many stand before each claim's first.
-- Locks: the claims, for update, in the order of their ids, as every report
-- does; waits for one of whose jobs somebody is completing in a transaction of
-- his own.
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
set jit = off
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
    v_now timestamptz := pgqueue.now();
    v_number integer;
    v_held pgqueue.claims;
begin
    for v_number in
        select named.number
        from unnest(finish_all.claims) with ordinality as named (claim, number)
        order by named.claim
    loop
        delete from pgqueue.claims as held
        where held.id = finish_all.claims[v_number]
        returning *
        into v_held;
        if found then
            perform pgqueue.succeed(v_held, v_now, run_seconds, offsets[v_number]);
            return next v_held.id;
        end if;
    end loop;
end
$$;

-- The outcomes of a claim all of whose jobs have succeeded; one that somebody
-- completed meanwhile has its outcome already. That is rare, and looking for it
-- costs every row half as much again: large claims look only where it is found.
create or replace function pgqueue.succeed(
    held pgqueue.claims,
    moment timestamptz,
    run_seconds real[],
    first integer,
    results jsonb[] default null
)
returns void
language plpgsql
volatile
as $$
declare
    v_jobs bigint[] := held.jobs;
    v_attempts smallint[] := held.attempts;
begin
    if cardinality(v_jobs) > 20 then
        begin
            insert into pgqueue.outcomes
                (job_id, claim_id, claimed_at, finished_at, worker, run_seconds, attempt, state, result)
            select
                v_jobs[place], held.id, held.claimed_at, moment, held.worker,
                run_seconds[coalesce(first, 0) + place], v_attempts[place], 'succeeded', results[place]
            from generate_series(1, cardinality(v_jobs)) as place;
            return;
        exception
            when unique_violation then
                null;
        end;
    end if;
    insert into pgqueue.outcomes
        (job_id, claim_id, claimed_at, finished_at, worker, run_seconds, attempt, state, result)
    select
        v_jobs[place], held.id, held.claimed_at, moment, held.worker,
        run_seconds[coalesce(first, 0) + place], v_attempts[place], 'succeeded', results[place]
    from generate_series(1, cardinality(v_jobs)) as place
    on conflict do nothing;
end
$$;
