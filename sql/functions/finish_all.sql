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
    v_numbers integer[] := '{1}';
    v_number integer;
    v_held pgqueue.claims;
begin
    if cardinality(claims) <> 1 then
        v_numbers := array(
            select named.number
            from unnest(finish_all.claims) with ordinality as named (claim, number)
            order by named.claim
        );
    end if;
    foreach v_number in array v_numbers loop
        delete from pgqueue.claims as held
        where held.id = finish_all.claims[v_number]
        returning *
        into v_held;
        if found then
            perform pgqueue.succeed(v_held, v_now, run_seconds, coalesce(offsets[v_number], 0));
            return next v_held.id;
        end if;
    end loop;
end
$$;

-- The outcomes of a claim all of whose jobs have succeeded: a row for jobs in a row. If
-- somebody completed one of them meanwhile, it has its outcome already, and each of the
-- others gets its own. He held the claim's lock until then: now we see it, unless our
-- snapshot is older.
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
begin
    if results is null
        and current_setting('transaction_isolation') = 'read committed'
        and not exists (
            select
            from unnest(held.jobs, held.sizes) as piece (job, size)
            cross join lateral (
                select
                from pgqueue.outcomes
                where outcomes.job_id between piece.job and piece.job + piece.size - 1
                    and outcomes.claim_id = held.id
                limit 1
            ) as receipt
        )
    then
        insert into pgqueue.outcomes
            (job_id, claim_id, claimed_at, finished_at, worker, run_seconds, attempt, size, state)
        select
            piece.job, held.id, held.claimed_at, moment, held.worker,
            run_seconds[first + piece.before + 1:first + piece.before + piece.size], piece.attempt, piece.size, 'succeeded'
        from (
            select piece.*, sum(piece.size) over (rows unbounded preceding) - piece.size as before
            from unnest(held.jobs, held.sizes, held.attempts) as piece (job, size, attempt)
        ) as piece;
        return;
    end if;
    insert into pgqueue.outcomes
        (job_id, claim_id, claimed_at, finished_at, worker, run_seconds, attempt, size, state, result)
    select
        entry.job, held.id, held.claimed_at, moment, held.worker,
        pgqueue.timed(run_seconds[first + entry.place]), entry.attempt, 1, 'succeeded', results[entry.place]
    from (
        select entry.*, row_number() over () as place
        from pgqueue.entries(held) as entry
    ) as entry
    on conflict do nothing;
end
$$;

-- A single run time, as outcomes hold them.
create or replace function pgqueue.timed(seconds real)
returns real[]
language sql
immutable
as $$
    select case when seconds is not null then array[seconds] end
$$;
