-- claims -> outcomes, and where a job has not ended, back to ready or on to
-- dead_letters. One entry per job: the claim that holds it and how it ended:
--   succeeded  it ran; `results` may hold what it returned
--   failed     tried again after `delays` if an attempt is left, else dead
--   expired    like failed: its worker did not answer in time
--   dead       not tried again, whatever attempts are left
--   cancelled  not tried again, and not a failure
--   returned   not run: back after `delays`, the attempt given back
-- The arrays after `jobs` hold one value per job, or a single one for all.
-- Returns the jobs left alone because their claim no longer holds them.
-- Locks: the claims named, in the order of their ids.
create or replace function pgqueue.finish(
    claims bigint[],
    jobs bigint[],
    states text[] default '{succeeded}',
    delays interval[] default '{null}',
    run_seconds real[] default '{null}',
    errors jsonb[] default '{null}',
    results jsonb[] default '{null}'
)
returns table (claim bigint, job bigint)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_nestloop = off
as $$
declare
    v_now timestamptz := pgqueue.now();
    v_count integer := cardinality(jobs);
    v_endings pgqueue.ending[];
    v_again bigint[];
    v_dead bigint[];
begin
    with held as materialized (
        select locked.id as claim, locked.claimed_at, locked.worker, entry.*
        from (
            select held.*
            from pgqueue.claims as held
            where held.id = any (finish.claims)
            order by held.id
            for no key update
        ) as locked
        cross join lateral unnest(locked.jobs, locked.attempts, locked.last_attempts, locked.priorities)
            as entry (job, attempt, last_attempt, priority)
    )
    select
        array_agg(
            row(
                held.claim, held.job, held.claimed_at, held.worker, held.attempt, held.last_attempt, held.priority,
                case
                    when said.state not in ('failed', 'expired') then said.state
                    when exists (select from pgqueue.cancellations where job_id = held.job) then 'cancelled'
                    when held.attempt >= held.last_attempt then 'dead'
                    else said.state
                end,
                said.delay, said.run_seconds, said.error, said.result
            )::pgqueue.ending
        )
    into v_endings
    from held
    join unnest(
        finish.claims,
        finish.jobs,
        pgqueue.spread('states', states, v_count),
        pgqueue.spread('delays', delays, v_count),
        pgqueue.spread('run_seconds', finish.run_seconds, v_count),
        pgqueue.spread('errors', errors, v_count),
        pgqueue.spread('results', results, v_count)
    ) as said (claim, job, state, delay, run_seconds, error, result) using (claim, job);

    with written as (
        insert into pgqueue.outcomes
            (job_id, claimed_at, finished_at, worker, retry_at, run_seconds, attempt, state, error, result)
        select
            ended.job, ended.claimed_at, v_now, ended.worker,
            case when ended.state in ('failed', 'expired') then v_now + coalesce(ended.delay, interval '0') end,
            ended.run_seconds, ended.attempt, ended.state, ended.error, ended.result
        from unnest(v_endings) as ended
        where ended.state <> 'returned'
        on conflict do nothing
        returning job_id, state
    )
    select
        array_agg(job_id) filter (where state in ('failed', 'expired')),
        array_agg(job_id) filter (where state = 'dead')
    into v_again, v_dead
    from written;

    if v_again is not null or 'returned' = any (states) then
        perform pgqueue.put_back(v_endings, v_again);
    end if;
    if v_dead is not null then
        perform pgqueue.bury(v_dead);
    end if;
    perform pgqueue.release(claims, jobs);

    if coalesce(cardinality(v_endings), 0) < v_count then
        return query
        select said.claim, said.job
        from unnest(finish.claims, finish.jobs) as said (claim, job)
        except
        select ended.claim, ended.job
        from unnest(v_endings) as ended;
    end if;
end
$$;
